#pragma once

#include <array>

namespace streamdiffusion::bench::paper {

// Figures of the paper (arXiv 2312.12491), on an RTX 4090 with TensorRT, image to image at 512x512.

struct StepTime {
  int steps;
  double milliseconds;
};
/// A frame of StreamDiffusion, by denoising steps.
inline constexpr std::array<StepTime, 4> kStreamDiffusion = {
    {{1, 10.65}, {2, 16.74}, {4, 26.93}, {10, 62.0}}};
/// diffusers' AutoPipelineForImage2Image, one step.
inline constexpr double kAutoPipelineOneStep = 634;

inline constexpr double kStreamBatch = 1.5;        ///< times as fast as sequential denoising
inline constexpr double kResidualGuidance = 2.05;  ///< up to, beside full guidance
inline constexpr double kFilterEnergy = 1.99;      ///< times less energy by the similarity filter

}  // namespace streamdiffusion::bench::paper
