#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "arrays.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::python {

/// The shapes of what goes into a stream and comes out of it.
struct FrameShapes {
  int width = 0;
  int height = 0;
  LatentShape latents;
};

/// Throws ArgumentError, which calls the array `what`, unless it is a float32 array of this shape.
void require_floats(const InputArray& array, const char* what, const std::vector<std::int64_t>& shape);
/// Throws ArgumentError unless the array is an image of the stream's size.
void require_image(const InputArray& array, const FrameShapes& shapes);

/// Throws ArgumentError unless the array is float32 noise [frames][any number of
/// steps][channels][height][width].
void require_noise(const InputArray& array, const FrameShapes& shapes, int frames);

/// The inputs of a call: Python's arrays, and the library's views of them.
class Inputs {
 public:
  /// Takes the items (array, is_latents, number, time in microseconds).
  Inputs(const FrameShapes& shapes, const nanobind::list& items);
  [[nodiscard]] std::span<const InputFrame> frames() const { return frames_; }

 private:
  std::vector<InputArray> arrays_;
  std::vector<InputFrame> frames_;
};

/// New arrays for the results of a call.
class Results {
 public:
  Results(const FrameShapes& shapes, Output output, std::size_t count);
  [[nodiscard]] std::span<OutputFrame> frames() { return frames_; }
  /// Returns the first frames as a list of (array, number, time in microseconds).
  [[nodiscard]] nanobind::list take(std::size_t count) const;

 private:
  std::vector<NewArray> arrays_;
  std::vector<OutputFrame> frames_;
};

}  // namespace streamdiffusion::python
