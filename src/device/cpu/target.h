#pragma once

// Properties of the target: the instruction set in use, out of those that kernels are compiled for.
namespace streamdiffusion::cpu {

/// True if the target multiplies int8 and int16 faster than float32 (x86 from AVX2 on).
bool multiplies_integers();
/// True if the target is AVX-512 with VNNI or above, which AMX and AVX512_BF16 are used with.
bool uses_avx512_vnni();

}  // namespace streamdiffusion::cpu
