#pragma once

#include <filesystem>

namespace streamdiffusion {

/// True if a file's first bytes are those of an image and not of a video. False if it cannot be read.
bool is_image(const std::filesystem::path& file);

}  // namespace streamdiffusion
