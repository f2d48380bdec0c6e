#pragma once

namespace streamdiffusion::cpu {

/// Extensions of the processor beyond the instruction sets that kernels are compiled for.
struct Features {
  bool avx_vnni = false;  ///< AVX_VNNI, used with AVX2: products of int8 and int16.
  bool bf16 = false;      ///< AVX512_BF16, used with AVX-512 VNNI: products of bf16.
  bool amx = false;       ///< AMX, used with AVX-512 VNNI: matrix products of int8 and bf16.

  /// Returns this machine's features. Requests the system's permission for this process to use AMX.
  static Features detect();

  bool operator==(const Features&) const = default;
};

}  // namespace streamdiffusion::cpu
