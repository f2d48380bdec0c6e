#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// What the name of an input or output stands for.
enum class Medium { file, pipe, device, address, window };

/// `format`: FFmpeg's, as the user named it, or empty.
Medium input_medium(const std::string& name, const std::string& format);
Medium output_medium(const std::string& name, const std::string& format);

/// "rtmp" of "rtmp://host/path"; empty where there is none or it is a file's.
std::string scheme_of(const std::string& name);

/// FFmpeg's device, registered; null where there is none of this name.
const AVInputFormat* find_input_device(const std::string& format);
const AVOutputFormat* find_output_device(const std::string& format);

}  // namespace streamdiffusion
