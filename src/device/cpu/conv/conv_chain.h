#pragma once

#include <span>

#include "device/cpu/threads/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Implements Device::conv2d_chain for int8 and bf16 weights, one square piece of the image at a time. The
/// intermediate results of a piece stay in a core's second-level cache; those of a whole image would go to
/// memory and back. Each piece also computes the border pixels of its neighbours that its next steps read,
/// which is a few percent more work. int8 inputs have one scale for each piece and step.
///
/// Requires steps of 3x3 convolutions that keep the shape. Returns false and computes nothing for others, for
/// small images and for pieces that exceed the cache.
bool convolve_chain(Workers& workers, const Tensor& x, std::span<const Conv2dStep> steps);

}  // namespace streamdiffusion::cpu
