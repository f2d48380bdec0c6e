#pragma once

#include <cstdint>
#include <string>

#include "model/networks/network.h"
#include "model/networks/norm.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// ResnetBlock2D: two convolutions, each after a group norm and SiLU, around a shortcut. The UNet's blocks
/// add a projection of the time embedding between the two (its layer belongs to TimeEmbedding); the
/// autoencoder's do not.
class ResnetBlock2D {
 public:
  ResnetBlock2D(LayerLoader& layers, const std::string& name, std::int64_t in_channels,
                std::int64_t out_channels, std::int64_t groups, float epsilon);

  /// `time` [n, 1, 1, out channels] or empty. `out` may be `x` where the number of channels stays.
  void forward(Context& context, const Tensor& x, const Tensor& time, const Tensor& out) const;

 private:
  GroupNorm norm1_;
  Weights conv1_;
  GroupNorm norm2_;
  Weights conv2_;
  Weights conv_shortcut_;  // where the number of channels changes, else none
};

}  // namespace streamdiffusion
