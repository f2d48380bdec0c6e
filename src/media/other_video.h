#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Counts the packets of other video streams with which a file goes on behind the end of one stream, as
/// recordings do that were joined byte by byte and have streams of their own.
class OtherVideo {
 public:
  /// Takes all packets of the file in its order. `chosen` is the stream that is read.
  void note(const AVPacket& packet, const AVFormatContext& input, const AVStream& chosen);
  /// The number of packets, once there are no more.
  [[nodiscard]] std::int64_t packets_behind() const;

 private:
  /// Packets of the chosen stream that a demuxer gives only at the end of the file: one of its own and one of
  /// the parser.
  static constexpr std::size_t kHeldBack = 2;

  std::int64_t others_ = 0;
  /// others_ at each of the last packets of the chosen stream, the newest first.
  std::array<std::int64_t, kHeldBack + 1> others_before_{};
};

}  // namespace streamdiffusion
