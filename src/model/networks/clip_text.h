#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// CLIPTextModel. Immutable.
class ClipText {
 public:
  /// `clip_skip`: layers left out at the end; the final layer norm is applied all the same, as diffusers
  /// does. `added`: embeddings of ids from vocab_size on, which stay where they are.
  ClipText(const ClipTextConfig& config, LayerLoader& layers, const TensorFiles& files, int clip_skip,
           std::span<const float> added = {});
  ~ClipText();

  [[nodiscard]] const ClipTextConfig& config() const;

  /// last_hidden_state after the final layer norm: out [1, 1, ids, hidden_size]. Throws Error where an id is
  /// out of range.
  void forward(Context& context, std::span<const std::int64_t> ids, const Tensor& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
