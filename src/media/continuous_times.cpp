#include "media/continuous_times.h"

#include <algorithm>
#include <cstdlib>

namespace streamdiffusion {
namespace {

// Largest gap, in microseconds, that counts as part of the recording and not as a jump. The value is that of
// the ffmpeg program (-dts_delta_threshold).
constexpr std::int64_t kLongestGap = 10'000'000;
// Decoding times go back by more than this, in microseconds, only at a jump; less is rounding.
constexpr std::int64_t kRounding = 100'000;
// Packets of tracks that belong together are stored less than this apart, in microseconds.
constexpr std::int64_t kInterleaving = 500'000;

}  // namespace

ContinuousTimes::ContinuousTimes(const AVFormatContext& input)
    : input_(input), may_jump_((input.iformat->flags & AVFMT_TS_DISCONT) != 0) {}

void ContinuousTimes::correct(AVPacket& packet) {
  if (!may_jump_) return;
  const auto index = static_cast<std::size_t>(packet.stream_index);
  const AVStream& stream = *input_.streams[index];
  const AVMediaType type = stream.codecpar->codec_type;
  if (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO) return;
  if (tracks_.size() <= index) tracks_.resize(index + 1);
  Track& track = tracks_[index];
  if (!track.begun) track.offset = newest_offset_;
  const std::int64_t decoded = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (decoded != AV_NOPTS_VALUE) {
    const std::int64_t time = av_rescale_q(decoded, stream.time_base, ffmpeg::kMicroseconds);
    track.offset = choose_offset(track, time);
    const std::int64_t corrected = time + track.offset;
    const std::int64_t duration = av_rescale_q(packet.duration, stream.time_base, ffmpeg::kMicroseconds);
    const std::int64_t step = track.begun ? std::max<std::int64_t>(0, corrected - track.last) : 0;
    track.next = corrected + (duration > 0 ? duration : step);
    track.last = now_ = corrected;
    track.begun = begun_ = true;
  }
  const std::int64_t offset = av_rescale_q(track.offset, ffmpeg::kMicroseconds, stream.time_base);
  if (packet.dts != AV_NOPTS_VALUE) packet.dts += offset;
  if (packet.pts != AV_NOPTS_VALUE) packet.pts += offset;
}

/// Chooses the offset for a packet with the container's decoding time `time`, in microseconds.
std::int64_t ContinuousTimes::choose_offset(const Track& track, std::int64_t time) {
  const bool jumped = has_jump(track, time + track.offset);
  const bool newest_jumps = has_jump(track, time + newest_offset_);
  if (!jumped) {
    // Another track may have reached the jump first. This one follows it as soon as its offset fits better.
    const std::int64_t gain =
        std::abs(time + track.offset - now_) - std::abs(time + newest_offset_ - now_) - kInterleaving;
    return gain > 0 && !newest_jumps ? newest_offset_ : track.offset;
  }
  if (newest_jumps) newest_offset_ = (track.begun ? track.next : now_) - time;
  return newest_offset_;
}

/// True if the track cannot go on with a packet at the corrected `time`.
bool ContinuousTimes::has_jump(const Track& track, std::int64_t time) const {
  if (track.begun) return time < track.last - kRounding || time > track.next + kLongestGap;
  return begun_ && std::abs(time - now_) > kLongestGap;
}

}  // namespace streamdiffusion
