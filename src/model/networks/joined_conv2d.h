#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// Two consecutive 3x3 convolutions, computed as one 5x5 convolution on devices that gain from it. The first
/// one upsamples by 2 or the second one downsamples by 2. This is less work if the tensor between them has
/// more channels than the input or the output. Immutable.
class JoinedConv2d {
 public:
  JoinedConv2d(LayerLoader& layers, const NamedConv2d& first, const NamedConv2d& second);

  /// `x` and `out` are dense. `out` has exactly twice or half the height and width of `x`.
  void forward(Context& context, const Tensor& x, const Tensor& out) const;

 private:
  /// Computes the two convolutions one after the other.
  void compute_separately(Context& context, const Tensor& x, const Tensor& out) const;
  /// Returns the edges at which the second convolution sees padding, and Edge::none.
  [[nodiscard]] std::span<const Edge> edges() const;
  /// Computes the outputs of one image at these edges, which have filters of their own.
  void compute_edge(Context& context, const Tensor& x, const Tensor& out, Edge vertical,
                    Edge horizontal) const;
  /// Returns the joined convolution for outputs at these edges.
  [[nodiscard]] const PackedWeights& joined(Edge vertical, Edge horizontal) const {
    return *joined_[static_cast<std::size_t>(vertical)][static_cast<std::size_t>(horizontal)];
  }

  bool upsamples_;
  std::int64_t between_channels_;
  Weights first_;  ///< Null if the two are joined.
  Weights second_;
  Weights joined_[3][3];  ///< Indexed by vertical and horizontal Edge.
};

}  // namespace streamdiffusion
