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

/// The layers `attn2.to_k` and `attn2.to_v` of all cross-attentions of the UNet. Their results depend on the
/// prompt alone, so they are computed when it changes, not in each step.
class TextProjections {
 public:
  /// Adds the layers of the cross-attention `name`. Returns its index into TextContext's keys and values.
  std::size_t add(LayerLoader& layers, const std::string& name, std::int64_t cross_attention_dim,
                  std::int64_t channels);

  /// Computes keys and values for the embedding of one prompt, [1, 1, tokens, cross_attention_dim].
  [[nodiscard]] std::unique_ptr<TextContext> forward(Context& context, const Tensor& embedding) const;

 private:
  struct Projection {
    Weights keys_and_values;  // output channels: keys, then values
    std::int64_t channels = 0;
  };
  std::vector<Projection> projections_;
};

}  // namespace streamdiffusion
