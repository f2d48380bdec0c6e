#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion {

/// Returns the FourCC of an enhanced FLV's first video tag ("hvc1", "av01"). FFmpeg before 6.1 takes such
/// tags for those of another codec. Empty for other files.
std::string enhanced_flv_codec(const std::filesystem::path& file);

}  // namespace streamdiffusion
