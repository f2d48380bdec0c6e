#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/networks/network.h"
#include "model/networks/unet_rows.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// The layers that make keys and values from the text (`attn2.to_k`, `attn2.to_v`) of every cross-attention
/// of the UNet. They depend on the prompt alone, so they run when it changes and not in each step.
class TextProjections {
 public:
  /// Adds the cross-attention NAME; returns its index into TextContext's keys and values.
  std::size_t add(LayerLoader& layers, const std::string& name, std::int64_t cross_attention_dim,
                  std::int64_t channels);

  /// For one prompt's embedding [1, 1, tokens, cross_attention_dim].
  [[nodiscard]] std::unique_ptr<TextContext> forward(Context& context, const Tensor& embedding) const;

 private:
  struct Projection {
    Weights keys_and_values;  // side by side
    std::int64_t channels = 0;
  };
  std::vector<Projection> projections_;
};

}  // namespace streamdiffusion
