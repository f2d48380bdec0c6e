#pragma once

#include <cstddef>
#include <span>

#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// Returns the shape of a frame's latents.
LatentShape latent_shape_of(const StreamOptions& options);

// Each function throws ArgumentError if its argument is out of range. check_input and check_output also
// require `count` frames, check_noise latents for each frame and step. check_ranges (settings/setting.h)
// checks parameters.
void check_options(const StreamOptions& options, const ModelInfo& model);
void check_input(std::span<const InputFrame> frames, std::size_t count, const StreamOptions& options);
void check_output(std::span<const OutputFrame> frames, std::size_t count, const StreamOptions& options);
void check_noise(std::span<const float> noise, std::size_t steps, const StreamOptions& options);

}  // namespace streamdiffusion
