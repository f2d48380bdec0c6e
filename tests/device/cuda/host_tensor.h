#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "device/cuda/elements.h"
#include "device/reference.h"

namespace streamdiffusion::cuda {

/// Relative error of rounding to T: half the distance between neighbouring numbers.
template <typename T>
inline constexpr double kRounding = 6e-8;
template <>
inline constexpr double kRounding<__half> = 4.9e-4;
template <>
inline constexpr double kRounding<__nv_bfloat16> = 3.91e-3;

/// A tensor of one of the kernels' types in host memory, aligned like the GPU's. Each pixel ends with `extra`
/// channels that belong to another tensor.
template <typename T>
class HostTensor {
 public:
  HostTensor(const Shape& shape, std::int64_t extra)
      : shape_(shape),
        stride_(shape.c + extra),
        data_(static_cast<T*>(std::aligned_alloc(256, bytes())), &std::free) {
    for (std::int64_t i = 0; i < shape.pixels() * stride_; ++i) {
      data_.get()[i] = from_float<T>(kUntouched);
    }
  }
  HostTensor(const Shape& shape, std::int64_t extra, unsigned seed) : HostTensor(shape, extra) {
    const std::vector<float> values = reference::random_values(shape.pixels() * stride_, seed);
    for (std::int64_t i = 0; i < shape.pixels() * stride_; ++i) {
      data_.get()[i] = from_float<T>(values[static_cast<std::size_t>(i)]);
    }
  }

  [[nodiscard]] View<T> view() const { return {data_.get(), stride_}; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] double at(std::int64_t pixel, std::int64_t channel) const {
    return static_cast<double>(to_float(data_.get()[pixel * stride_ + channel]));
  }

  /// Returns the largest difference from expected(pixel, channel), relative to the largest value. Returns
  /// 1e30 if channels beyond the tensor's own were written.
  template <typename Expected>
  [[nodiscard]] double largest_error(const Expected& expected) const {
    double error = 0;
    double largest = 1e-30;
    for (std::int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
      for (std::int64_t channel = 0; channel < shape_.c; ++channel) {
        const double want = expected(pixel, channel);
        largest = std::max(largest, std::abs(want));
        error = std::max(error, std::abs(want - at(pixel, channel)));
      }
      for (std::int64_t channel = shape_.c; channel < stride_; ++channel) {
        if (at(pixel, channel) != static_cast<double>(kUntouched)) {
          return 1e30;
        }
      }
    }
    return error / largest;
  }

 private:
  static constexpr float kUntouched = 12288.0F;
  [[nodiscard]] std::size_t bytes() const {
    return (static_cast<std::size_t>(shape_.pixels() * stride_) * sizeof(T) + 255) / 256 * 256;
  }

  Shape shape_;
  std::int64_t stride_;
  std::unique_ptr<T, decltype(&std::free)> data_;
};

}  // namespace streamdiffusion::cuda
