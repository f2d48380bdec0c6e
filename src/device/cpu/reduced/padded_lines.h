#pragma once

#include <cstdint>

#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/rounding.h"

namespace streamdiffusion::cpu {

/// Lines of one or several images, or of the same part of each, that are rounded with zeros around them.
struct PaddedLines {
  Elements first;                ///< First pixel of the first image's line 0.
  std::int64_t stride = 0;       ///< Elements from pixel to pixel.
  std::int64_t line_pitch = 0;   ///< Elements from line to line.
  std::int64_t image_pitch = 0;  ///< Elements from image to image.
  std::int64_t channels = 0;
  std::int64_t height = 0;  ///< Lines that an image has.
  std::int64_t width = 0;   ///< Pixels that a line has.
  std::int64_t top = 0;    ///< Lines of zeros above line 0; negative if the image's first lines are left out.
  std::int64_t left = 0;   ///< Zero pixels before a line.
  std::int64_t lines = 0;  ///< Rounded lines of an image, padding included.
  std::int64_t pixels = 0;  ///< Pixels of a rounded line, padding included.
  std::int64_t images = 1;  ///< Number of images.

  /// Number of rounded lines of all images.
  [[nodiscard]] std::int64_t count() const { return lines * images; }
  /// Returns the range of the values of a rounded line, counted over all images.
  [[nodiscard]] ValueRange range(std::int64_t line) const;
  /// Returns what to round for a line, counted over all images.
  [[nodiscard]] ReducedLine line(std::int64_t line, std::uint8_t* out) const;

 private:
  /// Returns the first pixel of a rounded line's source; empty if it is padding.
  [[nodiscard]] Elements source(std::int64_t line) const;
};

/// Rounds the lines of one image to the task's format on the calling thread, and clears the bytes after them
/// that its kernel reads. Returns the quantisation, which matters for int8 only.
Quantization round_lines(const ReducedTask& task, const PaddedLines& lines, std::uint8_t* out);

}  // namespace streamdiffusion::cpu
