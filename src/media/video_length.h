#pragma once

#include <cstdint>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

namespace streamdiffusion {

/// Compares how much of a video was read with the index or duration that its container states.
class VideoLength {
 public:
  VideoLength(const AVFormatContext& input, const AVStream& stream) : input_(input), stream_(stream) {}

  /// The frames that were read.
  struct Frames {
    std::int64_t count = 0;
    std::int64_t last_time = 0;  ///< Time of the last one in microseconds.
    std::int64_t end = 0;        ///< Its end in microseconds of the container's clock.
    double rate = 0;
  };

  /// Counts a packet. Call it for all packets of the file, with the container's own times.
  void note_packet(const AVPacket& packet);
  /// Packets of the stream so far.
  [[nodiscard]] std::int64_t packets() const { return packets_; }
  /// True if all packets of an MP4, whose index lists them, were read.
  [[nodiscard]] bool has_read_mp4() const;
  /// Reports a video that ends early. Call it at the end of the file.
  void check(const Frames& frames, const ProblemReport& problems) const;

 private:
  [[nodiscard]] bool is_mp4() const;
  [[nodiscard]] bool has_read_index() const;
  [[nodiscard]] bool states_duration() const;
  [[nodiscard]] std::int64_t container_end() const;

  const AVFormatContext& input_;
  const AVStream& stream_;
  std::int64_t packets_ = 0;
  std::int64_t extent_ = 0;  ///< End of all streams' packets, in microseconds of the container's clock.
};

}  // namespace streamdiffusion
