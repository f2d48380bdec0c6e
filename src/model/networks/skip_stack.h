#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "model/networks/network.h"

namespace streamdiffusion {

/// A point where a skip connection of the UNet is concatenated with the hidden states of the up blocks.
struct Junction {
  std::int64_t hidden_channels = 0;
  std::int64_t skip_channels = 0;
  int level = 0;  ///< How often the sample has been halved.
};

/// The skip connections of one forward pass. Each shares a buffer with the hidden states of the up blocks
/// that it is concatenated with: [hidden channels | skip channels]. So concatenation needs no copy. Junction
/// 0 has no skip connection; the last up block writes its output there.
class SkipStack {
 public:
  /// `junctions` has the order in which the skip connections are written. The buffers belong to the innermost
  /// scope of `context.arena`.
  SkipStack(Context& context, const Shape& sample, std::span<const Junction> junctions);
  SkipStack(const SkipStack&) = delete;
  SkipStack& operator=(const SkipStack&) = delete;

  /// Returns the tensor to write the next skip connection to.
  Tensor push();
  /// Returns the hidden states concatenated with the latest skip connection, and removes it.
  Tensor pop();
  /// Returns the number of skip connections that were pushed and not popped.
  [[nodiscard]] std::size_t size() const { return pushed_ - 1; }
  /// Returns skip connection `index` of these, counted from the one that was pushed first.
  [[nodiscard]] Tensor skip(std::size_t index) const;
  /// Returns the tensor to write the hidden states to that the next `pop` returns.
  [[nodiscard]] Tensor hidden() const;

 private:
  std::array<std::byte, 4096> memory_;  // backs joined_, so that a forward pass allocates nothing
  std::pmr::monotonic_buffer_resource pool_;
  std::pmr::vector<Tensor> joined_;
  std::span<const Junction> junctions_;
  std::size_t pushed_ = 1;
};

}  // namespace streamdiffusion
