#pragma once

#include <cstdint>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

namespace streamdiffusion {

/// Leaves out the packets before the first key frame, which cannot be decoded: a recording may begin between
/// two key frames.
class KeyFrameWait {
 public:
  /// Waits only if the codec needs a key frame and the file marks its key frames.
  KeyFrameWait(const AVStream& stream, bool has_key_frames);

  /// False for packets that are left out. Call it for all packets of the stream in order. Reports at the
  /// first key frame how much was left out.
  bool has_begun(const AVPacket& packet, const ProblemReport& problems);

 private:
  const AVStream& stream_;
  bool has_begun_;
  std::int64_t left_out_from_ = AV_NOPTS_VALUE;  ///< Time of the first packet, in the stream's time base.
};

}  // namespace streamdiffusion
