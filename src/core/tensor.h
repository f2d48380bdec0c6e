#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace streamdiffusion {

/// Extent of a tensor in N H W C order. Tokens [n, t, c] are {n, 1, t, c}; a vector of c is {1, 1, 1, c}.
struct Shape {
  std::int64_t n = 1;
  std::int64_t h = 1;
  std::int64_t w = 1;
  std::int64_t c = 1;

  /// Pixels or tokens over all rows of the batch.
  [[nodiscard]] std::int64_t pixels() const { return n * h * w; }
  [[nodiscard]] std::int64_t elements() const { return pixels() * c; }
  bool operator==(const Shape&) const = default;
};

/// A view of activations in a device's memory: channels last, `stride` elements from one pixel to the next
/// (at least c; more where the view is a slice of the channels of something wider). Owns nothing.
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

  /// Channels first .. first + count - 1 of every pixel.
  [[nodiscard]] Tensor channels(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first) * size_of(dtype);
    slice.shape.c = count;
    return slice;
  }

  /// Pixels first .. first + count - 1, counted over all rows, as one line.
  [[nodiscard]] Tensor pixels(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first * stride) * size_of(dtype);
    slice.shape = {.w = count, .c = shape.c};
    return slice;
  }

  /// The beginning of a dense one as a tensor of another shape, which has no more elements.
  [[nodiscard]] Tensor shaped(const Shape& other) const { return {data, other, other.c, dtype}; }

  /// A dense one as a single pixel.
  [[nodiscard]] Tensor flat() const { return shaped({.c = shape.elements()}); }

  /// Rows first .. first + count - 1 of the batch.
  [[nodiscard]] Tensor rows(std::int64_t first, std::int64_t count) const {
    Tensor slice = *this;
    const std::int64_t row = shape.h * shape.w * stride;
    slice.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first * row) * size_of(dtype);
    slice.shape.n = count;
    return slice;
  }
};

}  // namespace streamdiffusion
