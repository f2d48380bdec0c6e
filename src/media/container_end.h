#pragma once

#include <filesystem>

namespace streamdiffusion {

/// True if a Matroska, WebM or GIF file is cut off, which FFmpeg does not report. False for other files and
/// for recordings whose header has no size.
bool lacks_end(const std::filesystem::path& file);

}  // namespace streamdiffusion
