#include "media/key_frame_wait.h"

namespace streamdiffusion {
namespace {

/// True if decoding can begin at a key frame only. Animated PNGs and GIFs begin with their first frame, which
/// FFmpeg's demuxers do not always mark.
bool needs_key_frame(AVCodecID codec) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec);
  const bool all_are_key = descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) != 0;
  return !all_are_key && codec != AV_CODEC_ID_APNG && codec != AV_CODEC_ID_GIF;
}

}  // namespace

KeyFrameWait::KeyFrameWait(const AVStream& stream, bool has_key_frames)
    : stream_(stream), has_begun_(!needs_key_frame(stream.codecpar->codec_id) || !has_key_frames) {}

bool KeyFrameWait::has_begun(const AVPacket& packet, const ProblemReport& problems) {
  if (has_begun_) return true;
  const std::int64_t time = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (left_out_from_ == AV_NOPTS_VALUE) left_out_from_ = time;
  if ((packet.flags & AV_PKT_FLAG_KEY) == 0) return false;
  has_begun_ = true;
  constexpr std::int64_t kNoticed = 250'000;  // A quarter of a second, which viewers would miss.
  const std::int64_t left_out =
      time == AV_NOPTS_VALUE || left_out_from_ == AV_NOPTS_VALUE
          ? 0
          : av_rescale_q(time - left_out_from_, stream_.time_base, ffmpeg::kMicroseconds);
  if (left_out >= kNoticed) {
    problems.report("the first " + seconds_text(left_out) + " of " + problems.name() +
                    ", image and sound, are left out: they come before the first key frame and cannot be "
                    "decoded");
  }
  return true;
}

}  // namespace streamdiffusion
