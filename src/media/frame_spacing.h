#pragma once

#include <string>

namespace streamdiffusion {

/// Whether the first frames of a video file come at other times than its frame rate says. Containers often
/// name a rate that the frames do not keep. Reads packets only; false where it cannot tell.
bool is_unevenly_spaced(const std::string& file);

}  // namespace streamdiffusion
