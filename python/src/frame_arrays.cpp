#include "frame_arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "arrays.h"
#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

constexpr std::int64_t kLargestSide = 65536;  // as of a stream

std::uint8_t level_of(float value) {
  require_float_input(std::span(&value, 1));
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255));
}

/// Copies the colours of one line of an image.
void copy_line(const ImageView& view, const std::byte* line, std::uint8_t* to) {
  for (int x = 0; x < view.width; ++x) {
    for (int channel = 0; channel < 3; ++channel) {
      const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(x) * view.channels + channel;
      *to++ = view.type == PixelType::uint8 ? static_cast<std::uint8_t>(line[index])
                                            : level_of(reinterpret_cast<const float*>(line)[index]);
    }
  }
}

}  // namespace

int checked_side(std::int64_t side) {
  if (side < 1 || side > kLargestSide) {
    throw ArgumentError("the side of an image is " + std::to_string(side) + ", must be from 1 to " +
                        std::to_string(kLargestSide));
  }
  return static_cast<int>(side);
}

nb::object array_of(const Frame& frame) {
  const NewArray array({frame.height, frame.width, 3}, Output::uint8);
  std::memcpy(array.data(), frame.pixels.data(), frame.pixels.size());
  return array.array();
}

Frame frame_of(nb::handle image) {
  InputArray array(image, "image");
  const std::vector<std::int64_t>& shape = array.shape();
  if (shape.size() != 3 || (shape[2] != 3 && shape[2] != 4)) {
    throw ArgumentError("an image has the shape (height, width, 3) or (height, width, 4); this one is " +
                        array.description());
  }
  Frame frame;
  frame.resize(checked_side(shape[1]), checked_side(shape[0]));
  const ImageView view = array.image();
  const auto* line = static_cast<const std::byte*>(view.data);
  for (int y = 0; y < view.height; ++y) {
    const std::size_t start = static_cast<std::size_t>(y) * static_cast<std::size_t>(view.width) * 3;
    copy_line(view, line + y * view.stride, frame.pixels.data() + start);
  }
  return frame;
}

}  // namespace streamdiffusion::python
