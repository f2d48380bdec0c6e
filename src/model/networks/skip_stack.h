#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "model/networks/network.h"

namespace streamdiffusion {

/// Where a skip connection of the UNet meets the hidden states of the way up.
struct Junction {
  std::int64_t hidden_channels = 0;
  std::int64_t skip_channels = 0;
  int level = 0;  ///< how often the sample has been halved
};

/// The skip connections of one forward. Each is written right behind the place that the hidden states of the
/// way up will take, so that the two are joined without a copy. The first junction has no skip connection:
/// there the last hidden states come out.
class SkipStack {
 public:
  /// `junctions` in the order in which the skip connections are written; lies in the arena's innermost scope.
  SkipStack(Context& context, const Shape& sample, std::span<const Junction> junctions);
  SkipStack(const SkipStack&) = delete;
  SkipStack& operator=(const SkipStack&) = delete;

  /// Where the next skip connection is to be written.
  Tensor push();
  /// The hidden states and the skip connection pushed last, as one.
  Tensor pop();
  /// Where the hidden states that the next `pop` gives are to be written.
  [[nodiscard]] Tensor hidden() const;

 private:
  std::array<std::byte, 4096> memory_;  // of `joined_`: a forward takes nothing from the heap
  std::pmr::monotonic_buffer_resource pool_;
  std::pmr::vector<Tensor> joined_;
  std::span<const Junction> junctions_;
  std::size_t pushed_ = 1;
};

}  // namespace streamdiffusion
