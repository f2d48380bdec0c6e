#include "device/cpu/winograd.h"

namespace streamdiffusion::cpu {

namespace {

// By the product of a point's distances from the other points.
constexpr float kNearScale =
    1 / (2 * winograd_points::kNearSquare * (winograd_points::kNearSquare - winograd_points::kFarSquare));
constexpr float kFarScale =
    1 / (2 * winograd_points::kFarSquare * (winograd_points::kFarSquare - winograd_points::kNearSquare));

}  // namespace

void winograd_filter(const float* filter, float* into) {
  using namespace winograd_points;
  // A line for each point p: 1, p and p^2.
  constexpr float kG[6][3] = {{1, 0, 0},
                              {kNearScale, kNear * kNearScale, kNearSquare * kNearScale},
                              {kNearScale, -kNear * kNearScale, kNearSquare * kNearScale},
                              {kFarScale, kFar * kFarScale, kFarSquare * kFarScale},
                              {kFarScale, -kFar * kFarScale, kFarSquare * kFarScale},
                              {0, 0, 1}};
  float half[6][3];
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 3; ++j) {
      half[i][j] = kG[i][0] * filter[j] + kG[i][1] * filter[3 + j] + kG[i][2] * filter[6 + j];
    }
  }
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      into[i * 6 + j] = half[i][0] * kG[j][0] + half[i][1] * kG[j][1] + half[i][2] * kG[j][2];
    }
  }
}

void winograd_phase_filter(const float* filter, std::int64_t phase, float* into) {
  using namespace winograd_points;
  // Two of the three taps see the same pixel of the picture as it was.
  const auto join = [](const float* taps, std::int64_t step, bool odd, float* two) {
    two[0] = odd ? taps[0] + taps[step] : taps[0];
    two[1] = odd ? taps[2 * step] : taps[step] + taps[2 * step];
  };
  // A line for each point p: 1 and p.
  constexpr float kG[6][2] = {{1, 0},
                              {kNearScale, kNear * kNearScale},
                              {kNearScale, -kNear * kNearScale},
                              {kFarScale, kFar * kFarScale},
                              {kFarScale, -kFar * kFarScale},
                              {0, 1}};
  float lines[3][2];
  for (int i = 0; i < 3; ++i) {
    join(filter + i * 3, 1, phase % 2 != 0, lines[i]);
  }
  float joined[2][2];  // [column][line]
  for (int j = 0; j < 2; ++j) {
    join(&lines[0][j], 2, phase / 2 != 0, joined[j]);
  }
  for (int i = 0; i < 6; ++i) {
    const float half[2] = {kG[i][0] * joined[0][0] + kG[i][1] * joined[0][1],
                           kG[i][0] * joined[1][0] + kG[i][1] * joined[1][1]};
    for (int j = 0; j < 6; ++j) {
      into[i * 6 + j] = half[0] * kG[j][0] + half[1] * kG[j][1];
    }
  }
}

}  // namespace streamdiffusion::cpu
