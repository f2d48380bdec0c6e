#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace streamdiffusion {

/// An image, with a number and a time that a stream passes on from input to output.
///
/// `pixels` holds `width * height * 3` bytes of 8-bit sRGB in the order R, G, B. Lines run from top to bottom
/// without padding. A default-constructed frame is empty. A frame owns its pixels, so a copy copies them.
struct Frame {
  int width = 0;   ///< Width in pixels.
  int height = 0;  ///< Height in pixels.
  std::vector<std::uint8_t> pixels;
  std::int64_t number = 0;            ///< Number of the frame; sources count from 0.
  std::chrono::microseconds time{0};  ///< Capture or presentation time since the source's start.

  [[nodiscard]] bool empty() const { return pixels.empty(); }

  /// Sets the size and resizes `pixels` to match. Allocates only if the frame grows.
  void resize(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    pixels.resize(static_cast<std::size_t>(new_width) * static_cast<std::size_t>(new_height) * 3);
  }
};

}  // namespace streamdiffusion
