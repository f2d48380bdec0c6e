#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// The type of an image's values.
enum class PixelType {
  uint8,    ///< 0 to 255.
  float32,  ///< 0 to 1. Values beyond are clamped on the way out and taken as they are on the way in.
};

/// An image in memory that the caller owns. Lines run from top to bottom, pixels from left to right, and the
/// channels of a pixel lie beside each other in the order R, G, B, A. Colours are sRGB.
template <typename Pointer>
struct BasicImageView {
  Pointer data = nullptr;     ///< The first channel of the pixel at the top left.
  int width = 0;              ///< Width in pixels.
  int height = 0;             ///< Height in pixels.
  std::ptrdiff_t stride = 0;  ///< Distance from line to line in bytes; 0: lines lie beside each other.
  /// 3 (RGB) or 4 (RGBA). Alpha is ignored on the way in, and opaque on the way out.
  int channels = 3;
  PixelType type = PixelType::uint8;  ///< Type of the values.

  /// Lets functions that read take an image that may be written, too.
  /// Returns the same image for reading.
  operator BasicImageView<const void*>() const  // NOLINT(google-explicit-constructor): it takes nothing away
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

/// An image that is read. Dense 8-bit RGB is read where it lies; other forms are converted in one pass.
using ImageView = BasicImageView<const void*>;
/// An image that is written.
using MutableImageView = BasicImageView<void*>;

}  // namespace streamdiffusion
