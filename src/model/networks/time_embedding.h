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

/// From a timestep to what every resnet of the UNet adds for it: sinusoids, the embedding's two linear
/// layers, and the projection (`time_emb_proj`) of every resnet, side by side in one row. Depends on the
/// timestep alone, so it is computed when timesteps change and not in each step.
class TimeEmbedding {
 public:
  TimeEmbedding(const UNet2DConditionConfig& config, LayerLoader& layers);

  /// Adds a resnet's projection NAME; returns the first of its channels in a row.
  std::int64_t add_projection(LayerLoader& layers, const std::string& name, std::int64_t channels);

  [[nodiscard]] std::int64_t width() const { return width_; }

  /// out [timesteps, 1, 1, width()]. `guidance` is embedded where it is given and the model has a layer for
  /// it.
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
  Weights cond_proj_;  // of models that were distilled with guidance, else none
  Weights linear_1_;
  Weights linear_2_;
  std::vector<Projection> projections_;
  std::int64_t width_ = 0;
};

/// diffusers' get_timestep_embedding: `dim` numbers.
std::vector<float> timestep_embedding(float timestep, std::int64_t dim, bool flip_sin_to_cos,
                                      std::int64_t freq_shift);

/// get_guidance_scale_embedding of diffusers' latent consistency pipeline: `dim` numbers.
std::vector<float> guidance_scale_embedding(float guidance, std::int64_t dim);

}  // namespace streamdiffusion
