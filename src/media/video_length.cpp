#include "media/video_length.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace streamdiffusion {

void VideoLength::note_packet(const AVPacket& packet) {
  if (packet.stream_index == stream_.index) ++packets_;
  const std::int64_t begin = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (begin == AV_NOPTS_VALUE) return;
  const AVRational time_base = input_.streams[packet.stream_index]->time_base;
  extent_ = std::max(extent_, av_rescale_q(begin + packet.duration, time_base, ffmpeg::kMicroseconds));
}

bool VideoLength::is_mp4() const { return std::string_view(input_.iformat->name).starts_with("mov"); }

bool VideoLength::has_read_index() const { return packets_ >= avformat_index_get_entries_count(&stream_); }

bool VideoLength::has_read_mp4() const { return is_mp4() && has_read_index(); }

/// False also for a duration computed from the bit rate, which is only a guess.
bool VideoLength::states_duration() const {
  return input_.duration != AV_NOPTS_VALUE &&
         input_.duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
}

/// The end that the container states, in microseconds of its clock. Headers (Matroska, MP4, FLV) count the
/// duration from zero. A duration that FFmpeg took from the last packets counts from the first time.
std::int64_t VideoLength::container_end() const {
  const bool from_start = input_.duration_estimation_method == AVFMT_DURATION_FROM_PTS;
  const std::int64_t start = input_.start_time == AV_NOPTS_VALUE ? 0 : input_.start_time;
  return input_.duration + (from_start ? start : 0);
}

void VideoLength::check(const Frames& frames, const ProblemReport& problems) const {
  const std::string what = problems.name() + " ends after " + seconds_text(frames.last_time) + " (" +
                           std::to_string(frames.count) + " frames)";
  if (is_mp4() && !has_read_index()) {
    problems.report("the video is cut short: " + what + ", its index lists more; copy or download it again");
    return;
  }
  if (!states_duration() || extent_ <= 0) return;
  const std::int64_t missing = container_end() - std::max(extent_, frames.end);
  // Two frames, and a tenth of a second for the rounding of durations in headers.
  const std::int64_t tolerance = 100'000 + std::llround(2e6 / frames.rate);
  if (missing > tolerance) {
    problems.report("the video may be cut short: " + what + ", but its container says that it is " +
                    seconds_text(missing) + " longer");
  }
}

}  // namespace streamdiffusion
