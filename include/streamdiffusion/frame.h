#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/image.h"

namespace streamdiffusion {

/// An image, with a number and a time that a stream passes on from input to output.
///
/// `pixels` holds `width * height * 3` bytes of 8-bit sRGB in the order R, G, B. Lines run from top to bottom
/// without padding. A default-constructed frame is empty. A frame owns its pixels, so a copy copies them.
struct Frame {
  int width = 0;                      ///< Width in pixels.
  int height = 0;                     ///< Height in pixels.
  std::vector<std::uint8_t> pixels;   ///< [height][width][3], values of 0 to 255.
  std::int64_t number = 0;            ///< Number of the frame; sources count from 0.
  std::chrono::microseconds time{0};  ///< Capture or presentation time since the source's start.

  /// Returns a view of the pixels, valid until they are resized or the frame is destroyed. Throws
  /// ArgumentError if `pixels` does not match the size.
  [[nodiscard]] ImageView view() const {
    check_pixels();
    return {.data = pixels.data(), .width = width, .height = height};
  }
  /// Returns a view with which the pixels can be written, valid and checked as the other.
  [[nodiscard]] MutableImageView view() {
    check_pixels();
    return {.data = pixels.data(), .width = width, .height = height};
  }

  /// True if the frame has no pixels.
  [[nodiscard]] bool empty() const { return pixels.empty(); }

  /// Sets the size and resizes `pixels` to match. Allocates only if the frame grows.
  void resize(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    pixels.resize(byte_count());
  }

 private:
  [[nodiscard]] std::size_t byte_count() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  }
  void check_pixels() const {
    if (pixels.size() != byte_count()) {
      throw ArgumentError("a frame of " + std::to_string(width) + "x" + std::to_string(height) +
                          " must have " + std::to_string(byte_count()) + " bytes of pixels, it has " +
                          std::to_string(pixels.size()));
    }
  }
};

}  // namespace streamdiffusion
