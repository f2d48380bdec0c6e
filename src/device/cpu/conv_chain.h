#pragma once

#include <span>

#include "device/cpu/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Convolutions in 8 or 16 bits, one of another, piece by piece of the picture: what lies between them stays
/// in a core's own cache, where whole pictures would go to memory and come back. Each piece is computed with
/// what its neighbours need of it as well, a few percent of the work; bytes have a scale for each piece.
///
/// Does nothing and returns false where that does not apply or does not pay.
bool convolve_chain(Workers& workers, const Tensor& x, std::span<const Conv2dStep> steps);

}  // namespace streamdiffusion::cpu
