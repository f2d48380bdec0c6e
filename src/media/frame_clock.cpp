#include "media/frame_clock.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "media/frame_spacing.h"
#include "media/video_input.h"

namespace streamdiffusion {
namespace {

std::int64_t duration_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

}  // namespace

FrameClock::FrameClock(const AVStream& stream, bool is_live)
    : stream_(stream), is_live_(is_live), start_(start_time(stream)) {}

void FrameClock::advance(const AVFrame& frame, double frame_rate) {
  if (frame.best_effort_timestamp != AV_NOPTS_VALUE) {
    now_ = av_rescale_q(frame.best_effort_timestamp, stream_.time_base, ffmpeg::kMicroseconds) - start_;
  } else if (has_begun_) {
    now_ += std::llround(1e6 / frame_rate);
  }
  if (is_live_) now_ = std::max(now_, time_since_first_wait());
  has_begun_ = true;
  last_pts_ = frame.best_effort_timestamp;
  last_packet_duration_ = duration_of(frame);
}

void FrameClock::check_order(const ProblemReport& problems) {
  constexpr std::int64_t kNoticed = 500'000;  // Half a second, more than frames are out of order.
  if (now_ < latest_ - kNoticed && !std::exchange(went_back_, true)) {
    problems.report(problems.name() + " goes back to " + seconds_text(now_) + " after " +
                    seconds_text(latest_) +
                    ": it seems to be several recordings that were joined byte by byte; join them with "
                    "`ffmpeg -f concat`");
  }
  latest_ = std::max(latest_, now_);
}

std::chrono::microseconds FrameClock::last_duration(double frame_rate, bool ends_with_track) const {
  std::int64_t duration = packet_duration(frame_rate);
  // The packets' durations are distances of decoding times, which differ from frame durations if frames are
  // reordered. The end of the track is exact.
  if (ends_with_track && last_pts_ != AV_NOPTS_VALUE) {
    const std::int64_t begin = stream_.start_time == AV_NOPTS_VALUE ? 0 : stream_.start_time;
    duration = std::max<std::int64_t>(0, begin + stream_.duration - last_pts_);
  }
  return std::chrono::microseconds(av_rescale_q(duration, stream_.time_base, ffmpeg::kMicroseconds));
}

/// The duration of the last frame's packet in the stream's time base; 0 if not known.
std::int64_t FrameClock::packet_duration(double frame_rate) const {
  // Without a duration in the container, FFmpeg sets one interval of its base rate, which may be only the
  // container's tick.
  const double base = av_q2d(stream_.r_frame_rate);
  const double intervals = static_cast<double>(last_packet_duration_) * av_q2d(stream_.time_base) * base;
  return base > kFinestGrid * frame_rate && intervals < 1.5 ? 0 : last_packet_duration_;
}

std::int64_t FrameClock::time_since_first_wait() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - waits_since_).count();
}

}  // namespace streamdiffusion
