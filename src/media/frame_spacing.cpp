#include "media/frame_spacing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <vector>

#include "media/size_and_rate.h"
#include "media/video_input.h"

namespace streamdiffusion {
namespace {

/// Most bytes to read, few enough to delay the start by tens of milliseconds at most.
constexpr std::int64_t kBytesToLookAt = std::int64_t{32} << 20;
/// Packets come in decoding order. This many of the last may lack a neighbour that was not read.
constexpr std::size_t kReordering = 16;

struct Packets {
  std::vector<std::int64_t> times;  ///< Sorted presentation times; empty if a packet has none.
  std::int64_t count = 0;
  bool has_key_frames = false;
  bool all = false;  ///< True if the file was read to the end.
};

Packets read_packets(AVFormatContext& input, const AVStream& stream) {
  Packets packets;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  bool timed = true;
  std::int64_t bytes = 0;
  while (bytes < kBytesToLookAt && !packets.all) {
    av_packet_unref(packet.get());
    packets.all = av_read_frame(&input, packet.get()) < 0;
    bytes += packet->size;
    if (packets.all || packet->stream_index != stream.index) continue;
    ++packets.count;
    packets.has_key_frames = packets.has_key_frames || (packet->flags & AV_PKT_FLAG_KEY) != 0;
    timed = timed && packet->pts != AV_NOPTS_VALUE;
    packets.times.push_back(packet->pts);
  }
  if (!timed) packets.times.clear();
  std::sort(packets.times.begin(), packets.times.end());
  if (!packets.all) packets.times.resize(packets.times.size() - std::min(packets.times.size(), kReordering));
  return packets;
}

/// The positive distances of neighbouring times, in seconds.
std::vector<double> intervals_of(const std::vector<std::int64_t>& times, double tick) {
  std::vector<double> intervals;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] > times[i - 1]) intervals.push_back(static_cast<double>(times[i] - times[i - 1]) * tick);
  }
  return intervals;
}

bool are_even(const std::vector<double>& intervals, double interval, double tick) {
  // Containers round times to their tick, Matroska to milliseconds.
  const double tolerance = std::max({0.002, tick * 1.001, interval * 0.1});
  return std::ranges::all_of(intervals,
                             [&](double other) { return std::abs(other - interval) <= tolerance; });
}

/// The lower quartile of the intervals. Frequent pauses in a recording would raise the mean and the median.
double close_interval(std::vector<double> intervals) {
  if (intervals.empty()) return 0;
  const auto quartile = intervals.begin() + static_cast<std::ptrdiff_t>(intervals.size() / 4);
  std::ranges::nth_element(intervals, quartile);
  return *quartile;
}

/// The usual frame rate nearest to `rate`.
double usual_rate(double rate) {
  constexpr std::array kRates = {24000.0 / 1001, 24.0,           25.0, 30000.0 / 1001, 30.0,  48.0,
                                 50.0,           60000.0 / 1001, 60.0, 90.0,           100.0, 120000.0 / 1001,
                                 120.0,          240.0};
  constexpr double kLowestOfList = 20;
  if (rate < 1) return rate;
  if (rate < kLowestOfList) return std::round(rate * 2) / 2;
  return *std::ranges::min_element(kRates, {},
                                   [&](double other) { return std::abs(std::log(other / rate)); });
}

}  // namespace

double plausible_rate(double guess, double interval) {
  constexpr double kHighest = 240;  // Highest plausible rate if the interval is not known.
  const bool known = std::isfinite(guess) && guess > 0;
  if (interval <= 0) return known && guess <= kHighest ? guess : 0;
  const double intervals = guess * interval;
  return known && intervals > 0.45 && intervals < kFinestGrid ? guess : usual_rate(1 / interval);
}

bool can_examine_spacing(const SourceOptions& source) {
  return source.format.empty() && std::filesystem::is_regular_file(source.input);
}

FrameSpacing examine_spacing(const SourceOptions& source) {
  ffmpeg::Options options;
  request_size_and_rate(source, options);
  const ffmpeg::Input input = open_video_input(source.input, "", options);
  AVStream* stream = find_video_stream(*input);
  if (stream == nullptr) return {};
  const Packets packets = read_packets(*input, *stream);
  const double tick = av_q2d(stream->time_base);
  const std::vector<double> intervals = intervals_of(packets.times, tick);
  const double interval = 1 / av_q2d(av_guess_frame_rate(input.get(), stream, nullptr));
  return {.even = !std::isfinite(interval) || are_even(intervals, interval, tick),
          .interval = close_interval(intervals),
          .has_key_frames = packets.has_key_frames,
          .frames = packets.all ? packets.count : 0};
}

}  // namespace streamdiffusion
