#pragma once

#include <string>
#include <vector>

#include "media/container_colours.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The input's name in messages: the file's name or "standard input".
std::string input_name(const std::string& input);

/// Throws the Error for an input that FFmpeg could not open or whose first packet it could not read. `code`
/// is FFmpeg's error; `format` may be null.
[[noreturn]] void fail_to_open(const std::string& input, int code, const AVInputFormat* format);

/// Opens and probes a video file, or `pipe` if not null, which must outlive the result. If `colours` is not
/// null, it receives the container's colours. Throws Error.
ffmpeg::Input open_video_input(const std::string& input, const std::string& format, ffmpeg::Options& options,
                               AVIOContext* pipe = nullptr, ContainerColours* colours = nullptr);

/// Finds the video stream: the default one or the first, never the cover image of a song. Null if there is
/// none.
AVStream* find_video_stream(AVFormatContext& input);

/// Lists all audio streams, FFmpeg's choice first, including those whose format is not known yet.
std::vector<AVStream*> audio_streams(AVFormatContext& input);

/// The time from which Frame::time counts, in microseconds of the container's clock.
std::int64_t start_time(const AVStream& stream);

/// Returns a stream's data of a kind; null where there is none.
const std::uint8_t* stream_data(const AVStream& stream, AVPacketSideDataType kind);

/// FFmpeg's display matrix, by which the container wants frames turned. Null if it states none.
const std::int32_t* display_matrix(const AVStream& stream);

}  // namespace streamdiffusion
