#include "stream/stream_checks.h"

#include <cstddef>
#include <string>

#include "settings/stream_limits.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

void check_side(const char* name, int value, int multiple) {
  if (value < multiple || value % multiple != 0) {
    const int lower = value < multiple ? multiple : value / multiple * multiple;
    throw Error(std::string(name) + " is " + std::to_string(value) + ", must be a multiple of " +
                std::to_string(multiple) + ", as " + std::to_string(lower) + " or " +
                std::to_string(lower + multiple));
  }
  if (!kSideRange.contains(value)) {
    throw Error(std::string(name) + " is " + std::to_string(value) + ", too large: at most " +
                std::to_string(kSideRange.high));
  }
}

}  // namespace

void check_options(const StreamOptions& options, const ModelInfo& model) {
  check_side("width", options.width, model.size_multiple);
  check_side("height", options.height, model.size_multiple);
  if (!kFrameBufferRange.contains(options.frame_buffer_size)) {
    throw Error("frame_buffer_size is " + std::to_string(options.frame_buffer_size) +
                ", must be an integer " + text_of(kFrameBufferRange));
  }
}

void check_frames(std::span<const Frame> frames, std::size_t count, const StreamOptions& options) {
  if (frames.size() != count) {
    throw Error("a step takes " + std::to_string(count) + " frames (frame_buffer_size), " +
                std::to_string(frames.size()) + " were given");
  }
  for (const Frame& frame : frames) {
    if (frame.width != options.width || frame.height != options.height) {
      throw Error("a frame of " + size_text(frame.width, frame.height) + " was given to a stream of " +
                  size_text(options.width, options.height) + "; bring it into that size first (fit_frame)");
    }
    const auto bytes = static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height) * 3;
    if (frame.pixels.size() != bytes) {
      throw Error("a frame of " + size_text(frame.width, frame.height) + " must have " +
                  std::to_string(bytes) + " bytes of pixels, it has " + std::to_string(frame.pixels.size()));
    }
  }
}

}  // namespace streamdiffusion
