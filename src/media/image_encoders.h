#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// These functions encode a frame as an image file. `text` is UTF-8 by keyword, `quality` 0 to 100. They
/// throw Error.
std::vector<std::uint8_t> encode_png(const Frame& frame, const std::map<std::string, std::string>& text);
std::vector<std::uint8_t> encode_jpeg(const Frame& frame, int quality);
std::vector<std::uint8_t> encode_webp(const Frame& frame, int quality);

}  // namespace streamdiffusion
