#pragma once

#include <filesystem>

namespace streamdiffusion {

/// Whether a Matroska, WebM or GIF file lacks its end, which FFmpeg takes for the end of the video. False for
/// other files and for recordings that never knew their size.
bool lacks_end(const std::filesystem::path& file);

}  // namespace streamdiffusion
