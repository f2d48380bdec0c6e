#pragma once

#include <filesystem>
#include <optional>

namespace streamdiffusion {

/// Reads how often a GIF, APNG or animated WebP is to be played, which FFmpeg does not report. 0 means
/// forever. Returns nothing for other files.
std::optional<int> play_count(const std::filesystem::path& file);

}  // namespace streamdiffusion
