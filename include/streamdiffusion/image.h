#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// The type of an image's values.
enum class PixelType {
  uint8,    ///< 0 to 255.
  float32,  ///< 0 to 1. Output images are clamped; for input images see require_float_input.
};

/// Throws ArgumentError if one of the float values of an input image is not finite, below -0.5 or above 1.5.
/// Filters such as Lanczos go a little beyond 0 and 1. Values further outside have another scale, such as 0
/// to 255 or -1 to 1, and would give a wrong image.
STREAMDIFFUSION_API void require_float_input(std::span<const float> values);

/// An image in memory that the caller owns. Lines run from top to bottom, pixels from left to right, and the
/// channels of a pixel lie beside each other in the order R, G, B, A. Colours are sRGB.
template <typename Pointer>
struct BasicImageView {
  /// The first channel of the pixel at the top left, also if the stride is negative. The address of float
  /// values is a multiple of 4.
  Pointer data = nullptr;
  int width = 0;   ///< Width in pixels.
  int height = 0;  ///< Height in pixels.
  /// Distance from the start of a line to that of the line below it, in bytes; 0: no padding. It is at least
  /// line_bytes(), or at most -line_bytes() for an image that lies upside down in memory. With float values
  /// it is a multiple of 4.
  std::ptrdiff_t stride = 0;
  /// 3 (RGB) or 4 (RGBA). Alpha is ignored in input images and set to opaque in output images.
  int channels = 3;
  PixelType type = PixelType::uint8;  ///< Type of the values.

  /// Converts a mutable view to a read-only view of the same image.
  operator BasicImageView<const void*>() const  // NOLINT(google-explicit-constructor): as T* to const T*
      requires std::same_as<Pointer, void*> {
    return {data, width, height, stride, channels, type};
  }
  /// True if there is no image.
  [[nodiscard]] bool empty() const { return data == nullptr; }
  /// Number of bytes of a line's pixels.
  [[nodiscard]] std::size_t line_bytes() const {
    const std::size_t value = type == PixelType::uint8 ? sizeof(std::uint8_t) : sizeof(float);
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) * value;
  }
  /// Distance from line to line in bytes.
  [[nodiscard]] std::ptrdiff_t line_stride() const {
    return stride != 0 ? stride : static_cast<std::ptrdiff_t>(line_bytes());
  }
};

/// A read-only image. Dense 8-bit RGB is used without a copy on the host. Other layouts are first copied to
/// dense RGB.
using ImageView = BasicImageView<const void*>;
/// An image that is written.
using MutableImageView = BasicImageView<void*>;

}  // namespace streamdiffusion
