#pragma once

#include <vector>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Lets the times of packets go on where those of the container jump: MPEG transport streams that were joined
/// byte by byte, clocks that were set or that ran over. Containers whose times cannot jump (MP4, Matroska)
/// stay as they are. All readers of one file come to the same times if they pass every packet through it.
class ContinuousTimes {
 public:
  explicit ContinuousTimes(const AVFormatContext& input);

  /// Corrects the times of `packet`. Packets come in the container's order.
  void correct(AVPacket& packet);

 private:
  /// Times in microseconds.
  struct Track {
    bool begun = false;
    std::int64_t offset = 0;  ///< added to the container's times
    std::int64_t last = 0;    ///< decoding time of the last packet, corrected
    std::int64_t next = 0;    ///< the same of the packet that should follow
  };

  [[nodiscard]] std::int64_t choose_offset(const Track& track, std::int64_t time);
  [[nodiscard]] bool jumps(const Track& track, std::int64_t time) const;

  const AVFormatContext& input_;
  bool may_jump_;
  std::vector<Track> tracks_;  ///< by the stream's index
  bool begun_ = false;
  std::int64_t newest_offset_ = 0;
  std::int64_t now_ = 0;  ///< decoding time of the last packet of any track, corrected
};

}  // namespace streamdiffusion
