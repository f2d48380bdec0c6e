#pragma once

#include <string>

namespace streamdiffusion::cpu {

/// The best instruction set that this machine has and the kernels are compiled for, by its usual name.
std::string instruction_set();

}  // namespace streamdiffusion::cpu
