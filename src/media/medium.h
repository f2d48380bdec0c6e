#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The kind of thing that the name of an input or output stands for.
enum class Medium { file, pipe, device, address, window };

/// The kind of an input. `format` is FFmpeg's format name given by the user, or empty.
Medium input_medium(const std::string& name, const std::string& format);
/// The kind of an output. `format` is FFmpeg's format name given by the user, or empty.
Medium output_medium(const std::string& name, const std::string& format);

/// The scheme of a URL, such as "rtmp" of "rtmp://host/path". Empty if there is none or it is "file".
std::string scheme_of(const std::string& name);

/// Finds FFmpeg's input device of this name; null if there is none.
const AVInputFormat* find_input_device(const std::string& format);
/// Finds FFmpeg's output device of this name; null if there is none.
const AVOutputFormat* find_output_device(const std::string& format);

}  // namespace streamdiffusion
