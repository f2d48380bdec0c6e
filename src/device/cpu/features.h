#pragma once

namespace streamdiffusion::cpu {

/// What a processor can do beyond the instruction set in use, as far as they go together.
struct Features {
  bool avx_vnni = false;  ///< with AVX2: products of bytes (AVX_VNNI)
  bool bf16 = false;      ///< with AVX-512's VNNI: products of pairs of bfloat16 (AVX512_BF16)
  bool amx = false;       ///< likewise: matrix products in tile registers, of bytes and of bfloat16 (AMX)

  /// This machine's. Asks the system for its leave to use AMX, for the whole process.
  static Features detect();

  bool operator==(const Features&) const = default;
};

}  // namespace streamdiffusion::cpu
