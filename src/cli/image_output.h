#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::cli {

/// Adds the option --output for an image.
void add_image_output(CLI::App& app, std::string& output);

/// Throws Error if `output` is a folder, lies in a missing folder or has no extension. Called before
/// computing, so that no work is lost.
void check_image_output(const std::string& output);

/// The name of image `index` (from 0) of `count`: "cat.png" unchanged for one, "cat-01.png", "cat-02.png",
/// ... for several.
std::string numbered_name(const std::string& output, std::int64_t index, std::int64_t count);

/// Writes an image with text fields to a file, or as PNG to standard output ("-"). Throws Error.
void write_image_output(const std::string& output, const Frame& frame,
                        const std::map<std::string, std::string>& text);

}  // namespace streamdiffusion::cli
