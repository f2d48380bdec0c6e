#pragma once

#include <cstdint>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// The spacing of the frames at the beginning of a video file.
struct FrameSpacing {
  bool even = true;            ///< True if frames come at the frame rate that FFmpeg reports.
  double interval = 0;         ///< Lower quartile of the seconds between frames; 0: not known.
  bool has_key_frames = true;  ///< True if some packets are marked as key frames.
  std::int64_t frames = 0;     ///< Frames of the whole file if it was read to the end, else 0.
};

/// Upper limit of a grid's rate relative to the rate of the frames on it: frames may lie on a grid of up to
/// 2.5 times their rate, as 24 frames a second do on a grid of 60. The rest is for rounded times.
inline constexpr double kFinestGrid = 2.55;

/// True for inputs whose file can be read a second time.
bool can_examine_spacing(const SourceOptions& source);

/// Reads packets of up to 32 MiB without decoding them. Smaller files are read to the end.
FrameSpacing examine_spacing(const SourceOptions& source);

/// Returns FFmpeg's `guess` of a frame rate unless it is merely the container's tick. Then returns a usual
/// rate near that of `interval`, which is FrameSpacing's. Returns 0 if neither helps.
double plausible_rate(double guess, double interval);

}  // namespace streamdiffusion
