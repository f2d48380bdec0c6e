#pragma once

#include <cstdint>
#include <string>

#include "model/networks/network.h"
#include "model/networks/norm.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// ResnetBlock2D: two convolutions, each after a group norm and SiLU, with a residual connection. In a UNet,
/// a projection of the time embedding is added after the first one; TimeEmbedding owns that layer.
class ResnetBlock2D {
 public:
  ResnetBlock2D(LayerLoader& layers, const std::string& name, std::int64_t in_channels,
                std::int64_t out_channels, std::int64_t groups, float epsilon);

  /// `time` is [n, 1, 1, out_channels], or empty in an autoencoder. `out` may be `x` if in_channels equals
  /// out_channels.
  void forward(Context& context, const Tensor& x, const Tensor& time, const Tensor& out) const;

 private:
  GroupNorm norm1_;
  Weights conv1_;
  GroupNorm norm2_;
  Weights conv2_;
  Weights conv_shortcut_;  // null if the number of channels stays
};

}  // namespace streamdiffusion
