#pragma once

#include <filesystem>

namespace streamdiffusion {

/// True if write_image supports the file's extension.
bool can_write_image(const std::filesystem::path& file);

}  // namespace streamdiffusion
