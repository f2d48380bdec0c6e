#include "media/frame_spacing.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "media/video_input.h"

namespace streamdiffusion {
namespace {

constexpr std::size_t kFramesToLookAt = 300;
/// Packets come in decoding order: so many of the last may miss a neighbour that is still to come.
constexpr std::size_t kReordering = 16;

/// Presentation times in order; empty where a packet has none.
std::vector<std::int64_t> presentation_times(AVFormatContext& input, const AVStream& stream) {
  std::vector<std::int64_t> times;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  bool ended = false;
  while (times.size() < kFramesToLookAt) {
    av_packet_unref(packet.get());
    ended = av_read_frame(&input, packet.get()) < 0;
    if (ended) break;
    if (packet->stream_index != stream.index) continue;
    if (packet->pts == AV_NOPTS_VALUE) return {};
    times.push_back(packet->pts);
  }
  std::sort(times.begin(), times.end());
  if (!ended) times.resize(times.size() - kReordering);
  return times;
}

}  // namespace

bool is_unevenly_spaced(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  AVStream* stream = find_video_stream(*input);
  if (stream == nullptr) return false;
  const double interval = 1 / av_q2d(av_guess_frame_rate(input.get(), stream, nullptr));
  if (!std::isfinite(interval)) return false;
  // Containers round to their tick, Matroska to milliseconds.
  const double tick = av_q2d(stream->time_base);
  const double tolerance = std::max({0.002, tick * 1.001, interval * 0.1});
  const std::vector<std::int64_t> times = presentation_times(*input, *stream);
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = static_cast<double>(times[i] - times[i - 1]) * tick;
    if (std::abs(gap - interval) > tolerance) return true;
  }
  return false;
}

}  // namespace streamdiffusion
