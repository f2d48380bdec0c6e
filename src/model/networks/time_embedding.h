#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// The time embedding and its projections (`time_emb_proj`) for all resnets of the UNet, side by side in one
/// row. They depend on the timestep alone, so they are computed when timesteps change, not in each step.
class TimeEmbedding {
 public:
  TimeEmbedding(const UNet2DConditionConfig& config, LayerLoader& layers);

  /// Adds the projection layer `name` of a resnet. Returns the index of its first channel in a row.
  std::int64_t add_projection(LayerLoader& layers, const std::string& name, std::int64_t channels);

  /// Channels of a row: the sum over all projections.
  [[nodiscard]] std::int64_t width() const { return width_; }

  /// Computes `out` [timesteps, 1, 1, width()]. `guidance` is embedded if given. Throws Error if it is given
  /// and the model has no layer for it.
  void forward(Context& context, std::span<const float> timesteps, std::optional<float> guidance,
               const Tensor& out) const;

 private:
  struct Projection {
    Weights weights;
    std::int64_t first = 0;
    std::int64_t channels = 0;
  };

  std::int64_t sinusoids_;  // channels of the sinusoidal embedding
  std::int64_t dim_;        // channels of the time embedding
  bool flip_sin_to_cos_;
  std::int64_t freq_shift_;
  std::int64_t cond_dim_;
  Weights cond_proj_;  // null unless the model was distilled with guidance
  Weights linear_1_;
  Weights linear_2_;
  std::vector<Projection> projections_;
  std::int64_t width_ = 0;
};

/// diffusers' get_timestep_embedding for one timestep. Returns `dim` values.
std::vector<float> timestep_embedding(float timestep, std::int64_t dim, bool flip_sin_to_cos,
                                      std::int64_t freq_shift);

/// get_guidance_scale_embedding of diffusers' latent consistency pipeline. Returns `dim` values.
std::vector<float> guidance_scale_embedding(float guidance, std::int64_t dim);

}  // namespace streamdiffusion
