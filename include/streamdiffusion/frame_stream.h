#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "streamdiffusion/export.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// Runs a stream with frames that own their pixels. `out` receives the finished frames, none or
/// frame_buffer_size of them, and the memory of its frames is reused. Thread-safety and errors are Stream's.
class STREAMDIFFUSION_API FrameStream {
 public:
  /// `stream` must outlive this object.
  explicit FrameStream(Stream& stream);

  /// Runs Stream::step.
  StepResult step(std::span<const Frame> in, std::vector<Frame>& out);
  /// Runs Stream::drain.
  void drain(std::vector<Frame>& out);
  /// Runs Stream::generate.
  void generate(std::vector<Frame>& out);

  /// Runs Stream::generate_images; `out` receives one frame for each variation.
  void generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out);
  /// Runs Stream::generate_image from an image.
  Frame generate_image(const Frame& in);
  /// Runs Stream::generate_image from text.
  Frame generate_image();

  /// Returns the arguments for step_streams, valid until `in` or `out` change. After it, call `end_step`.
  StreamStep begin_step(std::span<const Frame> in, std::vector<Frame>& out);
  /// Gives the finished frames their numbers and times.
  void end_step(const StepResult& result, std::vector<Frame>& out);

 private:
  std::span<OutputFrame> prepare(std::span<Frame> out);
  std::span<OutputFrame> prepare_step(std::vector<Frame>& out);
  void finish(std::size_t finished, std::vector<Frame>& out) const;

  Stream& stream_;
  std::vector<InputFrame> in_;
  std::vector<OutputFrame> out_;
};

}  // namespace streamdiffusion
