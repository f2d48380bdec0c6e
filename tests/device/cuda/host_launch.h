#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "device/cuda/reductions.h"

// Runs the kernels' functions on the host, one thread after the other.
namespace streamdiffusion::cuda {

template <typename Element>
void for_each_element(std::int64_t count, const Element& element) {
  for (std::int64_t i = 0; i < count; ++i) {
    element(static_cast<std::uint32_t>(i));
  }
}

/// Runs a kernel of x * y blocks. Shared memory is filled with NaN, so that reading it before writing shows.
template <typename Block>
void for_each_block(std::uint32_t x, std::uint32_t y, const Block& block) {
  for (std::uint32_t by = 0; by < y; ++by) {
    for (std::uint32_t bx = 0; bx < x; ++bx) {
      std::vector<float> shared(block.shared_floats(), std::numeric_limits<float>::quiet_NaN());
      for (int phase = 0; phase < Block::kPhases; ++phase) {
        for (std::uint32_t thread = 0; thread < Block::kThreads; ++thread) {
          block.run(phase, {bx, by}, thread, shared.data());
        }
      }
    }
  }
}

}  // namespace streamdiffusion::cuda
