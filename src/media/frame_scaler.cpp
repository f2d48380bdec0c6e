#include "media/frame_scaler.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr double kLobes = 3;

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double lanczos(double x) { return std::abs(x) < kLobes ? sinc(x) * sinc(x / kLobes) : 0; }

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

}  // namespace

/// Computes the taps of `out_size` output positions that show the input from `from` to `to`, in input pixels.
FrameScaler::Axis FrameScaler::make_axis(double from, double to, int in_size, int out_size) {
  Axis axis;
  axis.input_begin = in_size;
  const double scale = (to - from) / out_size;
  const double widening = std::max(scale, 1.0);
  const double support = kLobes * widening;
  for (int i = 0; i < out_size; ++i) {
    const double center = from + (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int last = std::min(in_size, static_cast<int>(center + support + 0.5));
    Taps taps{.first = first, .weights = {}};
    double sum = 0;
    for (int k = first; k < last; ++k) sum += lanczos((k - center + 0.5) / widening);
    for (int k = first; k < last; ++k) {
      taps.weights.push_back(static_cast<float>(lanczos((k - center + 0.5) / widening) / sum));
    }
    axis.input_begin = std::min(axis.input_begin, first);
    axis.input_end = std::max(axis.input_end, last);
    axis.taps.push_back(std::move(taps));
  }
  return axis;
}

void FrameScaler::prepare(const Sizes& sizes) {
  if (sizes == sizes_) return;
  const double factor_x = static_cast<double>(sizes.out_width) / sizes.in_width;
  const double factor_y = static_cast<double>(sizes.out_height) / sizes.in_height;
  // The part of the input that is seen, and its size in the output.
  double crop_x = 0;
  double crop_y = 0;
  int shown_width = sizes.out_width;
  int shown_height = sizes.out_height;
  if (sizes.fit == Fit::crop) {
    const double factor = std::max(factor_x, factor_y);
    crop_x = (sizes.in_width - sizes.out_width / factor) / 2;
    crop_y = (sizes.in_height - sizes.out_height / factor) / 2;
  } else if (sizes.fit == Fit::pad) {
    const double factor = std::min(factor_x, factor_y);
    const auto shown = [factor](int in, int out) {
      return std::clamp(static_cast<int>(std::lround(in * factor)), 1, out);
    };
    shown_width = shown(sizes.in_width, sizes.out_width);
    shown_height = shown(sizes.in_height, sizes.out_height);
  }
  horizontal_ = make_axis(crop_x, sizes.in_width - crop_x, sizes.in_width, shown_width);
  vertical_ = make_axis(crop_y, sizes.in_height - crop_y, sizes.in_height, shown_height);
  left_ = (sizes.out_width - shown_width) / 2;
  top_ = (sizes.out_height - shown_height) / 2;
  row_.resize(static_cast<std::size_t>(sizes.in_width) * 3);
  sizes_ = sizes;
}

/// Computes one output row: sums the weighted input rows into row_, then filters row_ horizontally.
void FrameScaler::scale_row(const Frame& in, const Taps& rows, std::uint8_t* out) {
  const auto begin = static_cast<std::size_t>(horizontal_.input_begin) * 3;
  const auto end = static_cast<std::size_t>(horizontal_.input_end) * 3;
  const std::size_t row_size = static_cast<std::size_t>(in.width) * 3;
  float* row = row_.data();
  std::fill(row + begin, row + end, 0.0F);
  const std::uint8_t* source = in.pixels.data() + static_cast<std::size_t>(rows.first) * row_size;
  for (const float weight : rows.weights) {
    for (std::size_t i = begin; i < end; ++i) row[i] += weight * static_cast<float>(source[i]);
    source += row_size;
  }
  for (const Taps& columns : horizontal_.taps) {
    float red = 0;
    float green = 0;
    float blue = 0;
    const float* pixel = row + static_cast<std::size_t>(columns.first) * 3;
    for (const float weight : columns.weights) {
      red += weight * pixel[0];
      green += weight * pixel[1];
      blue += weight * pixel[2];
      pixel += 3;
    }
    out[0] = to_byte(red);
    out[1] = to_byte(green);
    out[2] = to_byte(blue);
    out += 3;
  }
}

void FrameScaler::fit(const Frame& in, Fit fit, Frame& out) {
  if (in.empty() || out.width <= 0 || out.height <= 0)
    throw ArgumentError("a frame without a size cannot be scaled");
  out.number = in.number;
  out.time = in.time;
  out.resize(out.width, out.height);
  if (in.width == out.width && in.height == out.height) {
    std::copy(in.pixels.begin(), in.pixels.end(), out.pixels.begin());
    return;
  }
  prepare({in.width, in.height, out.width, out.height, fit});
  if (fit == Fit::pad) std::fill(out.pixels.begin(), out.pixels.end(), std::uint8_t{0});
  const std::size_t row_size = static_cast<std::size_t>(out.width) * 3;
  std::uint8_t* to =
      out.pixels.data() + static_cast<std::size_t>(top_) * row_size + static_cast<std::size_t>(left_) * 3;
  for (const Taps& rows : vertical_.taps) {
    scale_row(in, rows, to);
    to += row_size;
  }
}

Fit parse_fit(const std::string& name) {
  const auto* const found = std::ranges::find(kFitNames, name);
  if (found != kFitNames.end()) return static_cast<Fit>(found - kFitNames.begin());
  std::string all;
  for (const std::string_view permitted : kFitNames) {
    all += (all.empty() ? "" : ", ") + std::string(permitted);
  }
  throw ArgumentError("unknown fit \"" + name + "\"; it is one of " + all);
}

void fit_frame(const Frame& in, Fit fit, Frame& out) {
  thread_local FrameScaler scaler;
  scaler.fit(in, fit, out);
}

}  // namespace streamdiffusion
