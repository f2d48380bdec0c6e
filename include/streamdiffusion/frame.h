#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace streamdiffusion {

/// A picture with the number and the time that travel along with it through a stream.
///
/// `pixels` holds 8-bit sRGB, three bytes a pixel (R, G, B), rows from top to bottom without padding:
/// `width * height * 3` bytes. A default-constructed frame is empty. Plain data: copy and move as you like.
struct Frame {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
  std::int64_t number = 0;            ///< counted from 0 by the source
  std::chrono::microseconds time{0};  ///< capture or presentation time since the source's start

  [[nodiscard]] bool empty() const { return pixels.empty(); }

  /// Sets the size and makes room for the pixels; allocates only when the frame grows.
  void resize(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    pixels.resize(static_cast<std::size_t>(new_width) * static_cast<std::size_t>(new_height) * 3);
  }
};

}  // namespace streamdiffusion
