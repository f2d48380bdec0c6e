#pragma once

#include <cstdint>
#include <span>

#include "device/cpu/threads/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Normalises `x` over each of `groups` groups of neighbouring channels of each batch row, multiplies by
/// gain[c], adds shift[c] and applies the activation, on all threads.
void group_norm(Workers& workers, const Tensor& x, std::span<const float> gain, std::span<const float> shift,
                std::int64_t groups, float epsilon, Activation activation, const Tensor& out);

}  // namespace streamdiffusion::cpu
