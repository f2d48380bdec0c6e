#pragma once

#include <span>

#include "streamdiffusion/frame.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

// Each function throws Error if its argument is out of range. check_frames also requires `count` frames.
// check_ranges (settings/setting.h) checks parameters.
void check_options(const StreamOptions& options, const ModelInfo& model);
void check_frames(std::span<const Frame> frames, std::size_t count, const StreamOptions& options);

}  // namespace streamdiffusion
