#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// A frame as the bytes of a picture file. `text`: UTF-8 by keyword; `quality`: 0 .. 100. All throw Error.
std::vector<std::uint8_t> encode_png(const Frame& frame, const std::map<std::string, std::string>& text);
std::vector<std::uint8_t> encode_jpeg(const Frame& frame, int quality);
std::vector<std::uint8_t> encode_webp(const Frame& frame, int quality);

}  // namespace streamdiffusion
