#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::cli {

/// Throws Error where a picture cannot be written there, before it is drawn: a missing folder, a folder's
/// name.
void check_picture_output(const std::string& output);

/// The name of picture `index` (from 0) of `count`: as it is for one, "cat-01.png", "cat-02.png", ... for
/// several.
std::string numbered(const std::string& output, std::int64_t index, std::int64_t count);

/// Writes the picture with its texts to a file, or as PNG to standard output ("-").
void write_picture(const std::string& output, const Frame& frame,
                   const std::map<std::string, std::string>& text);

}  // namespace streamdiffusion::cli
