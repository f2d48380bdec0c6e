#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// CLIPTextModel of transformers. Immutable after loading.
class ClipText {
 public:
  /// `clip_skip` layers are left out at the end; the final layer norm is still applied, as in diffusers.
  /// `added` holds embeddings of the ids from vocab_size on, [added][hidden_size], and must outlive this
  /// object. Throws Error if the weights do not fit the configuration.
  ClipText(const ClipTextConfig& config, LayerLoader& layers, const TensorFiles& files, int clip_skip,
           std::span<const float> added = {});
  ~ClipText();

  [[nodiscard]] const ClipTextConfig& config() const;

  /// Computes last_hidden_state after the final layer norm into `out` [1, 1, ids, hidden_size]. Throws Error
  /// for an id out of range or too many ids.
  void forward(Context& context, std::span<const std::int64_t> ids, const Tensor& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
