#pragma once

#include <string>

#include "device/cpu/features.h"

namespace streamdiffusion::cpu {

/// The best instruction set that this machine has and the kernels are compiled for, by its usual name.
std::string instruction_set();

/// Makes all devices of this process use no better one than `name`, Highway's own ("AVX3" is AVX-512
/// without VNNI, "AVX2", "SCALAR"), for tests and comparisons; to be called before anything is computed.
/// Throws Error if this machine has none of that name, or the kernels are not compiled for it.
void use_instruction_set(const std::string& name);

/// What this machine's processors have, held to "avx2", "avx512" (without VNNI) or "avx512_vnni" (without
/// bfloat16 and AMX); the first two hold all devices of the process. Throws Error for others, and for what is
/// not there.
Features features_within(const std::string& limit);

}  // namespace streamdiffusion::cpu
