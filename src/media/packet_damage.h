#pragma once

#include <cstdint>
#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Finds damage by the packets that demuxers mark as corrupt.
///
/// MPEG transport streams count packets, and a jump of the count means lost packets or, harmlessly, a new
/// recording. So for them only gaps in time count here; the decoder reports damaged frames.
class PacketDamage {
 public:
  PacketDamage(const AVFormatContext& input, const AVStream& stream);

  /// True if a packet shows damage. Call it for all packets of the stream in order. `why` then says more, as
  /// far as it is known.
  bool find(const AVPacket& packet, double frame_rate, std::string& why);

 private:
  bool find_gap(const AVPacket& packet, double frame_rate);

  const AVStream& stream_;
  bool marks_jumps_;  ///< True if a mark may mean only that the count jumps.
  int packets_in_doubt_ = 0;
  std::int64_t last_decoding_time_ = AV_NOPTS_VALUE;  ///< In the stream's time base.
};

}  // namespace streamdiffusion
