#pragma once

#include <array>

namespace streamdiffusion::bench::paper {

// Figures from the paper (arXiv 2312.12491), measured on an RTX 4090 with TensorRT, image to image at
// 512x512.

struct StepTime {
  int steps;
  double milliseconds;
};
/// Time of a frame in StreamDiffusion, by number of denoising steps.
inline constexpr std::array<StepTime, 4> kStreamDiffusion = {
    {{1, 10.65}, {2, 16.74}, {4, 26.93}, {10, 62.0}}};
/// Time of a frame in diffusers' AutoPipelineForImage2Image with one step, in milliseconds.
inline constexpr double kAutoPipelineOneStep = 634;

inline constexpr double kStreamBatch = 1.5;        ///< Speedup over sequential denoising.
inline constexpr double kResidualGuidance = 2.05;  ///< Largest speedup over full guidance.
inline constexpr double kFilterEnergy = 1.99;      ///< Factor by which the similarity filter reduces energy.

}  // namespace streamdiffusion::bench::paper
