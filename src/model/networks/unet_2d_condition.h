#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/networks/unet_rows.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// UNet2DConditionModel of Stable Diffusion 1.x, 2.x and models distilled from them. Immutable after loading.
class UNet2DCondition {
 public:
  /// Throws Error if the weights do not fit the configuration.
  UNet2DCondition(const UNet2DConditionConfig& config, LayerLoader& layers);
  ~UNet2DCondition();
  UNet2DCondition(UNet2DCondition&& other) noexcept;

  [[nodiscard]] const UNet2DConditionConfig& config() const;

  /// Channels of one row of time projections: the projected time embeddings of all resnets, side by side.
  [[nodiscard]] std::int64_t time_width() const;
  /// Computes the time projections of each timestep into `out` [timesteps, 1, 1, time_width()].
  /// `guidance_embedding` is w of an LCM with time_cond_proj_dim, or nothing.
  void time_projections(Context& context, std::span<const float> timesteps,
                        std::optional<float> guidance_embedding, const Tensor& out) const;

  /// Computes keys and values for the embedding of one prompt, [1, 1, tokens, cross_attention_dim].
  [[nodiscard]] std::unique_ptr<TextContext> text_context(Context& context, const Tensor& embedding) const;

  /// Predicts `out` [rows, h, w, out_channels] for `sample` [rows, h, w, in_channels], for any h and w.
  void forward(Context& context, const Tensor& sample, const UNetRows& rows, const Tensor& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
