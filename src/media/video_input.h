#pragma once

#include <string>
#include <vector>

#include "media/container_colours.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// For messages: the file's name or "standard input".
std::string input_name(const std::string& input);

/// Throws the Error for an input that FFmpeg could not open or whose first packet it could not read. `format`
/// may be null.
[[noreturn]] void fail_to_open(const std::string& input, int code, const AVInputFormat* format);

/// A video file, opened and probed; where `pipe` is given it is read instead, and must outlive what is
/// opened. `colours`, where given, becomes what the container says of them. Throws Error.
ffmpeg::Input open_video_input(const std::string& input, const std::string& format, ffmpeg::Options& options,
                               AVIOContext* pipe = nullptr, ContainerColours* colours = nullptr);

/// The stream that shows the video (no cover picture of a song), or nothing.
AVStream* find_video_stream(AVFormatContext& input);

/// All audio streams, FFmpeg's choice first, also those whose format is not known yet.
std::vector<AVStream*> audio_streams(AVFormatContext& input);

/// In microseconds of the container's clock: what Frame::time counts from.
std::int64_t start_time(const AVStream& stream);

/// FFmpeg's display matrix: how the container wants its pictures turned. Null where it does not say.
const std::int32_t* display_matrix(const AVStream& stream);

}  // namespace streamdiffusion
