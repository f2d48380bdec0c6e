#pragma once

#include <cstdint>
#include <string>

namespace streamdiffusion {

/// How the frames at the beginning of a video file are spaced.
struct FrameSpacing {
  bool even = true;         ///< they come at the frame rate that FFmpeg tells
  double interval = 0;      ///< seconds between frames where they come closely; 0 where that is not known
  std::int64_t frames = 0;  ///< frames of the whole file where that was looked through, else 0
};

/// Reads packets, decodes nothing. Files of up to 32 MiB are looked through as a whole.
FrameSpacing examine_spacing(const std::string& file);

/// The frame rate for a video whose rate FFmpeg guesses to be `guess`: the guess, unless it is only the
/// container's tick (`interval`: FrameSpacing's); then a usual rate near the frames' interval. 0 where
/// neither tells.
double plausible_rate(double guess, double interval);

}  // namespace streamdiffusion
