#pragma once

namespace streamdiffusion::cpu {

/// What a processor can do beyond the instruction sets that all kernels are compiled for.
struct Features {
  bool avx_vnni = false;  ///< products of bytes in vectors of 256 bits (AVX_VNNI)
  bool bf16 = false;      ///< products of pairs of bfloat16 (AVX512_BF16)
  bool amx = false;       ///< matrix products in tile registers, of bytes and of bfloat16 (AMX)

  /// This machine's. Asks the system for its leave to use AMX, for the whole process.
  static Features detect();
};

}  // namespace streamdiffusion::cpu
