#pragma once

#include <filesystem>

namespace streamdiffusion {

/// Whether write_image knows the extension.
bool can_write_picture(const std::filesystem::path& file);

}  // namespace streamdiffusion
