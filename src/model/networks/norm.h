#pragma once

#include <cstdint>
#include <string>

#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// A group norm and the activation after it.
class GroupNorm {
 public:
  GroupNorm(LayerLoader& layers, const std::string& name, std::int64_t channels, std::int64_t groups,
            float epsilon);
  void forward(Context& context, const Tensor& x, Activation activation, const Tensor& out) const;

 private:
  Weights gain_;
  Weights shift_;
  std::int64_t groups_;
  float epsilon_;
};

/// A layer norm over the channels of each token.
class LayerNorm {
 public:
  LayerNorm(LayerLoader& layers, const std::string& name, std::int64_t channels, float epsilon);
  /// `out` may be `x`.
  void forward(Context& context, const Tensor& x, const Tensor& out) const;

 private:
  Weights gain_;
  Weights shift_;
  float epsilon_;
};

}  // namespace streamdiffusion
