#include "stream/stream_checks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "model/networks/autoencoder.h"
#include "settings/stream_limits.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

void check_side(const char* name, int value, int multiple) {
  if (value > kSideRange.high) {
    throw ArgumentError(std::string(name) + " is " + std::to_string(value) + ", too large: at most " +
                        std::to_string(kSideRange.high));
  }
  if (value < multiple || value % multiple != 0) {
    const int lower = value < multiple ? multiple : value / multiple * multiple;
    throw ArgumentError(std::string(name) + " is " + std::to_string(value) + ", must be a multiple of " +
                        std::to_string(multiple) + ", as " + std::to_string(lower) + " or " +
                        std::to_string(lower + multiple));
  }
}

void check_count(const char* verb, std::size_t given, std::size_t count) {
  if (given != count) {
    throw ArgumentError(std::string("this call ") + verb + " " + std::to_string(count) + " frames, " +
                        std::to_string(given) + " were given");
  }
}

void check_stride(std::ptrdiff_t stride, std::ptrdiff_t line_bytes, int height) {
  if (stride > -line_bytes && stride < line_bytes) {
    throw ArgumentError("a frame's stride is " + std::to_string(stride) + " bytes, its lines have " +
                        std::to_string(line_bytes));
  }
  const std::ptrdiff_t largest = std::numeric_limits<std::ptrdiff_t>::max() / height;
  if (stride > largest || stride < -largest) {
    throw ArgumentError("a frame's stride is " + std::to_string(stride) + " bytes, too much for " +
                        std::to_string(height) + " lines");
  }
}

void check_alignment(const void* data, std::ptrdiff_t stride) {
  constexpr std::size_t kFloat = sizeof(float);
  if (stride % static_cast<std::ptrdiff_t>(kFloat) != 0) {
    throw ArgumentError("the stride of a frame of float values is " + std::to_string(stride) +
                        " bytes, must be a multiple of " + std::to_string(kFloat));
  }
  if (reinterpret_cast<std::uintptr_t>(data) % kFloat != 0) {
    throw ArgumentError("the float values of a frame begin at an address that is no multiple of " +
                        std::to_string(kFloat));
  }
}

template <typename Pointer>
void check_image(const BasicImageView<Pointer>& image, const StreamOptions& options) {
  if (image.empty()) {
    throw ArgumentError("a frame has neither an image nor latents");
  }
  if (image.width != options.width || image.height != options.height) {
    throw ArgumentError("a frame of " + size_text(image.width, image.height) + " was given to a stream of " +
                        size_text(options.width, options.height) +
                        "; bring it into that size first (fit_frame)");
  }
  if (image.channels != 3 && image.channels != 4) {
    throw ArgumentError("a frame has " + std::to_string(image.channels) +
                        " channels, must have 3 (RGB) or 4 (RGBA)");
  }
  check_stride(image.line_stride(), static_cast<std::ptrdiff_t>(image.line_bytes()), image.height);
  if (image.type == PixelType::float32) {
    check_alignment(image.data, image.line_stride());
  }
}

void check_latents(std::size_t given, const StreamOptions& options) {
  const std::size_t wanted = latent_shape_of(options).elements();
  if (given != wanted) {
    throw ArgumentError("the latents of a frame of " + size_text(options.width, options.height) + " are " +
                        std::to_string(wanted) + " numbers, " + std::to_string(given) + " were given");
  }
}

bool are_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

LatentShape latent_shape_of(const StreamOptions& options) {
  const Shape latents = Autoencoder::latents_of({.h = options.height, .w = options.width});
  return {.channels = static_cast<int>(latents.c),
          .height = static_cast<int>(latents.h),
          .width = static_cast<int>(latents.w)};
}

void check_options(const StreamOptions& options, const ModelInfo& model) {
  check_side("width", options.width, model.size_multiple);
  check_side("height", options.height, model.size_multiple);
  if (!kFrameBufferRange.contains(options.frame_buffer_size)) {
    throw ArgumentError("frame_buffer_size is " + std::to_string(options.frame_buffer_size) +
                        ", must be an integer " + text_of(kFrameBufferRange));
  }
}

void check_input(std::span<const InputFrame> frames, std::size_t count, const StreamOptions& options) {
  check_count("takes", frames.size(), count);
  for (const InputFrame& frame : frames) {
    if (frame.latents.empty() != frames.front().latents.empty()) {
      throw ArgumentError("a step takes images or latents, and some of its frames have one, some the other");
    }
    if (frame.latents.empty()) {
      check_image(frame.image, options);
    } else {
      check_latents(frame.latents.size(), options);
      if (!are_finite(frame.latents)) {
        throw ArgumentError("the latents of a frame have a number that is not finite");
      }
    }
  }
}

void check_output(std::span<const OutputFrame> frames, std::size_t count, const StreamOptions& options) {
  check_count("writes", frames.size(), count);
  for (const OutputFrame& frame : frames) {
    if (!frame.image.empty()) {
      check_image(frame.image, options);
    }
    if (!frame.latents.empty()) {
      check_latents(frame.latents.size(), options);
    }
  }
}

void check_noise(std::span<const float> noise, std::size_t steps, const StreamOptions& options) {
  const auto frames = static_cast<std::size_t>(options.frame_buffer_size);
  const std::size_t wanted = frames * steps * latent_shape_of(options).elements();
  if (noise.size() != wanted) {
    throw ArgumentError("the noise of " + std::to_string(frames) + " frames of " +
                        size_text(options.width, options.height) + " and " + std::to_string(steps) +
                        " denoising steps is " + std::to_string(wanted) + " numbers, " +
                        std::to_string(noise.size()) + " were given");
  }
  if (!are_finite(noise)) {
    throw ArgumentError("the noise has a number that is not finite");
  }
}

}  // namespace streamdiffusion
