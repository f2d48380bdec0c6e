#pragma once

#include <filesystem>
#include <optional>

namespace streamdiffusion {

/// Reads the number of times that a GIF, APNG or animated WebP wants to be played: 0 is for ever. Nothing for
/// other files. FFmpeg does not tell.
std::optional<int> play_count(const std::filesystem::path& file);

}  // namespace streamdiffusion
