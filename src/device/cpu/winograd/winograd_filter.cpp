#include <algorithm>
#include <array>
#include <cstddef>

#include "device/cpu/winograd/winograd.h"

namespace streamdiffusion::cpu {

namespace {

template <std::size_t kPoints, std::size_t kTaps>
using FilterMatrix = std::array<std::array<float, kTaps>, kPoints>;

/// Returns G of 4x4 tiles: the powers of each point, divided by the product of its distances from the others.
template <std::size_t kTaps>
constexpr FilterMatrix<6, kTaps> filter_matrix() {
  using namespace winograd_points;
  constexpr float kNearScale = 1 / (2 * kNearSquare * (kNearSquare - kFarSquare));
  constexpr float kFarScale = 1 / (2 * kFarSquare * (kFarSquare - kNearSquare));
  constexpr float kNearPowers[] = {1, kNear, kNearSquare};
  constexpr float kFarPowers[] = {1, kFar, kFarSquare};
  FilterMatrix<6, kTaps> matrix{};
  for (std::size_t power = 0; power < kTaps; ++power) {
    const float near = kNearPowers[power] * kNearScale;
    const float far = kFarPowers[power] * kFarScale;
    const bool odd = power % 2 != 0;
    matrix[1][power] = near;
    matrix[2][power] = odd ? -near : near;
    matrix[3][power] = far;
    matrix[4][power] = odd ? -far : far;
  }
  matrix.front().front() = 1;  // The point 0.
  matrix.back().back() = 1;    // The point infinity.
  return matrix;
}

/// G of 2x2 tiles, with points 0, 1, -1 and infinity.
constexpr FilterMatrix<4, 3> kSmallMatrix = {{{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}}};

/// Computes G * taps * G^T.
template <std::size_t kPoints, std::size_t kTaps>
void transform_filter(const FilterMatrix<kPoints, kTaps>& matrix, const float (&taps)[kTaps][kTaps],
                      float* into) {
  for (const std::array<float, kTaps>& line : matrix) {
    float half[kTaps] = {};
    for (std::size_t column = 0; column < kTaps; ++column) {
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        half[column] += line[tap] * taps[tap][column];
      }
    }
    for (const std::array<float, kTaps>& column : matrix) {
      *into = 0;
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        *into += half[tap] * column[tap];
      }
      ++into;
    }
  }
}

/// Makes two taps of three that are `step` apart. Two of the three read the same pixel of the image before it
/// is upsampled: the first two for an odd phase, else the last two.
void join_taps(const float* taps, std::ptrdiff_t step, bool odd, float* two) {
  two[0] = odd ? taps[0] + taps[step] : taps[0];
  two[1] = odd ? taps[2 * step] : taps[step] + taps[2 * step];
}

}  // namespace

void winograd_filter(const float* filter, WinogradTile tile, float* into) {
  constexpr FilterMatrix<6, 3> kMatrix = filter_matrix<3>();
  float taps[3][3];
  std::copy_n(filter, 9, &taps[0][0]);
  if (tile == WinogradTile::two) {
    transform_filter(kSmallMatrix, taps, into);
  } else {
    transform_filter(kMatrix, taps, into);
  }
}

void winograd_phase_filter(const float* filter, std::int64_t phase, float* into) {
  float lines[3][2];
  for (std::ptrdiff_t line = 0; line < 3; ++line) {
    join_taps(filter + line * 3, 1, phase % 2 != 0, lines[line]);
  }
  float columns[2][2];  // [column][line]
  for (std::ptrdiff_t column = 0; column < 2; ++column) {
    join_taps(&lines[0][column], 2, phase / 2 != 0, columns[column]);
  }
  constexpr FilterMatrix<6, 2> kMatrix = filter_matrix<2>();
  transform_filter(kMatrix, {{columns[0][0], columns[1][0]}, {columns[0][1], columns[1][1]}}, into);
}

}  // namespace streamdiffusion::cpu
