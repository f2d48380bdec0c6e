#include "stream_frames.h"

#include <chrono>
#include <string>

#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

std::int64_t integer_of(nb::handle value, const char* what) {
  std::int64_t integer = 0;
  if (!nb::try_cast(value, integer)) {
    throw ArgumentError(std::string(what) + " is no number that fits into 64 bits");
  }
  return integer;
}

}  // namespace

void require_floats(const InputArray& array, const char* what, const std::vector<std::int64_t>& shape) {
  if (array.type() == PixelType::float32 && array.shape() == shape) {
    return;
  }
  std::string text;
  for (const std::int64_t size : shape) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  throw ArgumentError(std::string(what) + " must be a float32 array of the shape (" + text + "), is " +
                      array.description());
}

void require_image(const InputArray& array, const FrameShapes& shapes) {
  const std::vector<std::int64_t>& shape = array.shape();
  if (shape.size() == 3 && shape[0] == shapes.height && shape[1] == shapes.width &&
      (shape[2] == 3 || shape[2] == 4)) {
    return;
  }
  const std::string size = std::to_string(shapes.height) + ", " + std::to_string(shapes.width);
  throw ArgumentError("an image of this stream has the shape (" + size + ", 3) or (" + size +
                      ", 4): height, width, channels; this one is " + array.description());
}

void require_noise(const InputArray& array, const FrameShapes& shapes, int frames) {
  const LatentShape& latents = shapes.latents;
  const std::int64_t steps = array.shape().size() == 5 ? array.shape()[1] : 1;
  require_floats(array, "noise", {frames, steps, latents.channels, latents.height, latents.width});
}

Inputs::Inputs(const FrameShapes& shapes, const nb::list& items) {
  for (const nb::handle item : items) {
    const bool is_latents = nb::cast<bool>(item[1]);
    InputArray& array = is_latents ? arrays_.emplace_back(item[0], "latents", "float32")
                                   : arrays_.emplace_back(item[0], "image");
    InputFrame& frame = frames_.emplace_back();
    if (is_latents) {
      const LatentShape& latents = shapes.latents;
      require_floats(array, "latents", {latents.channels, latents.height, latents.width});
      frame.latents = array.floats();
    } else {
      require_image(array, shapes);
      frame.image = array.image();
    }
    frame.number = integer_of(item[2], "number");
    frame.time = std::chrono::microseconds(integer_of(item[3], "time"));
  }
}

Results::Results(const FrameShapes& shapes, Output output, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    OutputFrame& frame = frames_.emplace_back();
    if (output == Output::latents) {
      const LatentShape& latents = shapes.latents;
      frame.latents =
          arrays_.emplace_back(std::vector{latents.channels, latents.height, latents.width}, output).floats();
    } else {
      frame.image = arrays_.emplace_back(std::vector{shapes.height, shapes.width, 3}, output).image();
    }
  }
}

nb::list Results::take(std::size_t count) const {
  nb::list results;
  for (std::size_t i = 0; i < count; ++i) {
    results.append(nb::make_tuple(arrays_[i].array(), frames_[i].number, frames_[i].time.count()));
  }
  return results;
}

}  // namespace streamdiffusion::python
