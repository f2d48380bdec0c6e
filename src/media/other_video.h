#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

namespace streamdiffusion {

/// Counts packets of other video streams after the end of the stream that is read. Concatenated recordings
/// with different streams have such packets.
class OtherVideo {
 public:
  /// Counts a packet. Call it for all packets of the file in order. `chosen` is the stream that is read.
  void note_packet(const AVPacket& packet, const AVFormatContext& input, const AVStream& chosen);
  /// Reports that another video stream goes on after the end of the chosen one. Call it at the end of the
  /// file.
  void check_end(double frame_rate, const ProblemReport& problems) const;

 private:
  /// Packets of the chosen stream that are returned only at the end of the file: the demuxer and its parser
  /// hold one each.
  static constexpr std::size_t kHeldBack = 2;

  std::int64_t others_ = 0;
  /// Values of others_ at the last packets of the chosen stream, newest first.
  std::array<std::int64_t, kHeldBack + 1> others_before_{};
};

}  // namespace streamdiffusion
