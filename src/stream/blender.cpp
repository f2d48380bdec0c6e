#include "stream/blender.h"

#include <cassert>
#include <cmath>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

// Above this cosine, sin(angle) is too inexact, and linear interpolation differs by less than 1e-4.
constexpr double kInLine = 0.9995;

/// Weights of the two vectors of an interpolation.
struct SlerpWeights {
  double from = 0;
  double to = 0;
};

SlerpWeights spherical_weights(std::span<const float> from, std::span<const float> to, double share) {
  double product = 0;
  double from_square = 0;
  double to_square = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto a = static_cast<double>(from[i]);
    const auto b = static_cast<double>(to[i]);
    product += a * b;
    from_square += a * a;
    to_square += b * b;
  }
  const double cosine = product / std::sqrt(from_square * to_square);
  if (!(std::abs(cosine) < kInLine)) {  // also true if the cosine is NaN
    return {1 - share, share};
  }
  const double angle = std::acos(cosine);
  return {std::sin((1 - share) * angle) / std::sin(angle), std::sin(share * angle) / std::sin(angle)};
}

}  // namespace

void check_weights(const std::vector<float>& weights, const char* what) {
  float sum = 0;
  for (const float weight : weights) {
    if (!(weight >= 0)) {
      throw ArgumentError(std::string("the weights of ") + what + " must be numbers from 0 on");
    }
    sum += weight;
  }
  if (!(std::isfinite(sum) && sum > 0)) {
    throw ArgumentError(std::string("the weights of ") + what + " must have a finite sum above 0");
  }
}

void blend(Blend how, std::span<const float> other, float share, std::size_t row, std::span<float> values) {
  assert(other.size() == values.size() && values.size() % row == 0);
  for (std::size_t start = 0; start < values.size(); start += row) {
    const std::span<float> from = values.subspan(start, row);
    const std::span<const float> to = other.subspan(start, row);
    const auto part = static_cast<double>(share);
    const SlerpWeights ends =
        how == Blend::slerp ? spherical_weights(from, to, part) : SlerpWeights{1 - part, part};
    for (std::size_t i = 0; i < row; ++i) {
      from[i] =
          static_cast<float>(ends.from * static_cast<double>(from[i]) + ends.to * static_cast<double>(to[i]));
    }
  }
}

void Blender::add(std::span<const float> values, float weight) {
  if (!(sum_ > 0)) {
    values_.assign(values.begin(), values.end());
  } else if (weight > 0) {
    blend(how_, values, weight / (sum_ + weight), row_, values_);
  }
  sum_ += weight;
}

}  // namespace streamdiffusion
