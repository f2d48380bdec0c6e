#pragma once

#include <vector>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Makes packets' times continuous where those of the container jump. They do in concatenated MPEG transport
/// streams, and after clocks were set or wrapped around. Containers whose times cannot jump (MP4, Matroska)
/// are left unchanged. Readers of one file get the same times if each passes every packet through it.
class ContinuousTimes {
 public:
  explicit ContinuousTimes(const AVFormatContext& input);

  /// Corrects the times of `packet`. Packets must come in the container's order.
  void correct(AVPacket& packet);

 private:
  /// The state of one track. Times are in microseconds.
  struct Track {
    bool begun = false;
    std::int64_t offset = 0;  ///< Added to the container's times.
    std::int64_t last = 0;    ///< Corrected decoding time of the last packet.
    std::int64_t next = 0;    ///< Expected corrected decoding time of the next packet.
  };

  [[nodiscard]] std::int64_t choose_offset(const Track& track, std::int64_t time);
  [[nodiscard]] bool has_jump(const Track& track, std::int64_t time) const;

  const AVFormatContext& input_;
  bool may_jump_;
  std::vector<Track> tracks_;  ///< Indexed by stream.
  bool begun_ = false;
  std::int64_t newest_offset_ = 0;
  std::int64_t now_ = 0;  ///< Corrected decoding time of the last packet of any track.
};

}  // namespace streamdiffusion
