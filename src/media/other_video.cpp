#include "media/other_video.h"

#include <algorithm>
#include <cmath>

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

void OtherVideo::check_end(double frame_rate, const ProblemReport& problems) const {
  constexpr double kNoticed = 0.5;  // Seconds. Tracks that belong together differ slightly in length.
  const std::int64_t after_end = others_ - others_before_.back();
  const double seconds = static_cast<double>(after_end) / frame_rate;
  if (seconds < kNoticed) return;
  problems.report(problems.name() + " goes on for about " + seconds_text(std::llround(1e6 * seconds)) +
                  " with another video stream, which is not read; join such recordings with `ffmpeg -f "
                  "concat`");
}

}  // namespace streamdiffusion
