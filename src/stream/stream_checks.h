#pragma once

#include <span>

#include "streamdiffusion/frame.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

// Each throws Error where what it is given is out of range.
void check_options(const StreamOptions& options, const ModelInfo& model);
void check_filter(const SimilarityFilterParameters& parameters);
void check_frames(std::span<const Frame> frames, std::size_t count, const StreamOptions& options);

}  // namespace streamdiffusion
