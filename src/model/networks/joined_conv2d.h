#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// Two 3x3 convolutions with nothing between them, of which the first one enlarges the picture twofold or the
/// second one halves it. On a device that gains by it they are computed as one of 5x5, which is less work
/// where the picture between them has more channels than the one that goes in or comes out. Immutable.
class JoinedConv2d {
 public:
  JoinedConv2d(LayerLoader& layers, const NamedConv2d& first, const NamedConv2d& second);

  /// Both tensors are dense, and their sizes such as the resolution changes, to the pixel.
  void forward(Context& context, const Tensor& x, const Tensor& out) const;

 private:
  void by_both(Context& context, const Tensor& x, const Tensor& out) const;
  /// Those of a picture's edges at which the second convolution sees zeros, and none of them.
  [[nodiscard]] std::span<const Edge> edges() const;
  /// The outputs of one picture at these edges.
  void compute_edge(Context& context, const Tensor& x, const Tensor& out, Edge vertical,
                    Edge horizontal) const;
  /// The two as one, for the outputs at those edges.
  [[nodiscard]] const PackedWeights& joined(Edge vertical, Edge horizontal) const {
    return *joined_[static_cast<std::size_t>(vertical)][static_cast<std::size_t>(horizontal)];
  }

  bool enlarges_;
  std::int64_t between_channels_;
  Weights first_;  ///< null where the two are joined
  Weights second_;
  Weights joined_[3][3];  ///< for each vertical and horizontal edge
};

}  // namespace streamdiffusion
