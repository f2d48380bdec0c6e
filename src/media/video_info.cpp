#include "media/video_info.h"

#include <cmath>
#include <utility>

#include "media/frame_converter.h"
#include "media/frame_geometry.h"
#include "media/play_count.h"
#include "media/video_input.h"

namespace streamdiffusion {
namespace {

constexpr double kDefaultFrameRate = 25;  // As FFmpeg assumes for images without a rate.

/// The duration that the container states; 0 if it states none.
double duration_seconds(const AVFormatContext& input, const AVStream& stream) {
  if (stream.duration != AV_NOPTS_VALUE)
    return static_cast<double>(stream.duration) * av_q2d(stream.time_base);
  return input.duration != AV_NOPTS_VALUE ? static_cast<double>(input.duration) / AV_TIME_BASE : 0;
}

void set_size(AVFormatContext& input, AVStream& stream, SourceInfo& info) {
  const ffmpeg::FramePointer no_frame = ffmpeg::make_frame();
  const SquareSize size =
      square_size(stream.codecpar->width, stream.codecpar->height, pixel_aspect(input, stream, *no_frame));
  info.width = size.width;
  info.height = size.height;
  if (shown_orientation(stream, *no_frame).transpose) std::swap(info.width, info.height);
}

void set_rate(AVFormatContext& input, AVStream& stream, const FrameSpacing& spacing, SourceInfo& info) {
  const double mean = av_q2d(stream.avg_frame_rate);
  const double base = av_q2d(stream.r_frame_rate);
  const bool mean_differs = mean > 0 && base > 0 && std::abs(mean / base - 1) > 1e-3;
  info.variable_frame_rate = mean_differs || !spacing.even;
  const double guess = av_q2d(av_guess_frame_rate(&input, &stream, nullptr));
  for (const double rate :
       {plausible_rate(guess, spacing.interval), plausible_rate(mean, 0), kDefaultFrameRate}) {
    if (info.frame_rate <= 0) info.frame_rate = rate;
  }
}

}  // namespace

SourceInfo describe_video(AVFormatContext& input, AVStream& stream, const SourceOptions& options,
                          const FrameSpacing& spacing) {
  SourceInfo info;
  set_size(input, stream, info);
  set_rate(input, stream, spacing, info);
  info.frames = stream.nb_frames > 0 ? stream.nb_frames : spacing.frames;
  if (info.frames == 0 && !info.variable_frame_rate) {
    info.frames = std::llround(duration_seconds(input, stream) * info.frame_rate);
  }
  if (can_examine_spacing(options)) info.plays = play_count(options.input);
  info.has_audio = !audio_streams(input).empty();
  return info;
}

}  // namespace streamdiffusion
