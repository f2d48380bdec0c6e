#pragma once

#include <filesystem>

namespace streamdiffusion {

/// Whether a file's first bytes are those of a still picture rather than of a video. False where it cannot be
/// read.
bool is_picture(const std::filesystem::path& file);

}  // namespace streamdiffusion
