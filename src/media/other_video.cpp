#include "media/other_video.h"

#include <algorithm>

namespace streamdiffusion {

void OtherVideo::note_packet(const AVPacket& packet, const AVFormatContext& input, const AVStream& chosen) {
  if (packet.stream_index == chosen.index) {
    std::shift_right(others_before_.begin(), others_before_.end(), 1);
    others_before_.front() = others_;
    return;
  }
  const AVStream& stream = *input.streams[packet.stream_index];
  const bool is_cover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_cover) ++others_;
}

std::int64_t OtherVideo::packets_after_end() const { return others_ - others_before_.back(); }

}  // namespace streamdiffusion
