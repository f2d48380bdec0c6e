#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace streamdiffusion {

/// Dimensions of a tensor in NHWC order. A token sequence [n, t, c] is {n, 1, t, c}, and a vector of length c
/// is {1, 1, 1, c}. A "row" is one of the n entries of the batch, not a line of an image.
struct Shape {
  std::int64_t n = 1;
  std::int64_t h = 1;
  std::int64_t w = 1;
  std::int64_t c = 1;

  /// Number of pixels or tokens in all rows of the batch.
  [[nodiscard]] std::int64_t pixels() const { return n * h * w; }
  [[nodiscard]] std::int64_t elements() const { return pixels() * c; }
  bool operator==(const Shape&) const = default;
};

/// A view of activations in a device's memory, channels last. It owns nothing.
///
/// `stride` is the distance in elements between neighbouring pixels. It is c for a dense tensor, and more for
/// a slice of a wider tensor's channels.
struct Tensor {
  void* data = nullptr;
  Shape shape;
  std::int64_t stride = 0;
  DType dtype = DType::f32;

  [[nodiscard]] bool empty() const { return data == nullptr; }
  bool operator==(const Tensor&) const = default;
  [[nodiscard]] bool dense() const { return stride == shape.c; }

  template <typename T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data);
  }

  /// Returns a view of `count` channels of every pixel, from channel `first` on.
  [[nodiscard]] Tensor channels(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first) * size_of(dtype);
    slice.shape.c = count;
    return slice;
  }

  /// Returns a view of `count` consecutive pixels with shape {1, 1, count, c}. `first` counts from the first
  /// pixel of the whole batch.
  [[nodiscard]] Tensor pixels(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first * stride) * size_of(dtype);
    slice.shape = {.w = count, .c = shape.c};
    return slice;
  }

  /// Returns the first elements of this dense tensor as a tensor of shape `other`, which must not have more
  /// elements.
  [[nodiscard]] Tensor shaped(const Shape& other) const { return {data, other, other.c, dtype}; }

  /// Returns this dense tensor as a single pixel with all elements as channels.
  [[nodiscard]] Tensor flat() const { return shaped({.c = shape.elements()}); }

  /// Returns a view of `count` rows of the batch, from row `first` on.
  [[nodiscard]] Tensor rows(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    const std::int64_t row = shape.h * shape.w * stride;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first * row) * size_of(dtype);
    slice.shape.n = count;
    return slice;
  }
};

}  // namespace streamdiffusion
