#include "media/packet_damage.h"

#include <algorithm>
#include <string_view>

namespace streamdiffusion {
namespace {

/// True if FFmpeg's decoder marks frames with missing parts. That of HEVC does not.
bool marks_damage(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_MPEG2VIDEO || codec == AV_CODEC_ID_MPEG1VIDEO;
}

/// True for demuxers that mark packets where the count of an MPEG transport stream jumps. HLS consists of
/// parts of such streams.
bool counts_packets(const AVInputFormat& format) {
  const std::string_view name = format.name;
  return name == "mpegts" || name == "hls";
}

}  // namespace

PacketDamage::PacketDamage(const AVFormatContext& input, const AVStream& stream)
    : stream_(stream),
      marks_jumps_(counts_packets(*input.iformat) && marks_damage(stream.codecpar->codec_id)) {}

bool PacketDamage::find(const AVPacket& packet, double frame_rate, std::string& why) {
  why.clear();
  if (!marks_jumps_) return (packet.flags & AV_PKT_FLAG_CORRUPT) != 0;
  const bool is_gap = find_gap(packet, frame_rate);
  if (is_gap) why = "frames are missing";
  return is_gap;
}

/// True if frames are missing before the packet, shortly after one in doubt.
bool PacketDamage::find_gap(const AVPacket& packet, double frame_rate) {
  // The demuxer marks the packet before the jump, and its parser may move the mark by one packet.
  constexpr int kPacketsUntilGap = 3;
  if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0) packets_in_doubt_ = kPacketsUntilGap;
  bool is_gap = false;
  if (packets_in_doubt_ > 0 && packet.dts != AV_NOPTS_VALUE && last_decoding_time_ != AV_NOPTS_VALUE) {
    const double step = static_cast<double>(packet.dts - last_decoding_time_) * av_q2d(stream_.time_base);
    is_gap = step * frame_rate > 1.5;
  }
  packets_in_doubt_ = is_gap ? 0 : std::max(0, packets_in_doubt_ - 1);
  last_decoding_time_ = packet.dts;
  return is_gap;
}

}  // namespace streamdiffusion
