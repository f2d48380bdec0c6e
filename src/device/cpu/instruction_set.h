#pragma once

#include <string>

#include "device/cpu/features.h"

namespace streamdiffusion::cpu {

/// Returns the usual name ("AVX2", "AVX-512", "none" for scalar code) of the instruction set that the kernels
/// use: the best one that this machine has and they are compiled for.
std::string instruction_set();

/// Makes all CPU devices of this process use the instruction set `name`, for tests and comparisons. Names are
/// Highway's: "AVX3" (AVX-512 without VNNI), "AVX2", "SCALAR" etc. Call it before weights are packed, as
/// their layout depends on the instruction set. Throws Error if this machine lacks the instruction set or the
/// kernels are not compiled for it.
void use_instruction_set(const std::string& name);

/// Limits the CPU to "avx2", "avx512" (without VNNI) or "avx512_vnni" (without bf16 and AMX instructions) and
/// returns the features that remain. The first two limits apply to all CPU devices of the process, by
/// use_instruction_set. Throws Error for another name, or if the machine lacks that instruction set.
Features features_within(const std::string& limit);

}  // namespace streamdiffusion::cpu
