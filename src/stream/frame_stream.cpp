#include "streamdiffusion/frame_stream.h"

#include <cstddef>
#include <utility>

namespace streamdiffusion {

FrameStream::FrameStream(Stream& stream) : stream_(stream) {}

StepResult FrameStream::step(std::span<const Frame> in, std::vector<Frame>& out) {
  const StreamStep step = begin_step(in, out);
  const StepResult result = stream_.step(step.in, step.out);
  end_step(result, out);
  return result;
}

void FrameStream::drain(std::vector<Frame>& out) { finish(stream_.drain(prepare_step(out)), out); }

void FrameStream::generate(std::vector<Frame>& out) { finish(stream_.generate(prepare_step(out)), out); }

void FrameStream::generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out) {
  out.resize(variations.size());
  stream_.generate_images(variations, prepare(out));
  finish(out.size(), out);
}

Frame FrameStream::generate_image(const Frame& in) {
  std::vector<Frame> out(1);
  stream_.generate_image(in, prepare(out).front());
  finish(1, out);
  return std::move(out.front());
}

Frame FrameStream::generate_image() {
  std::vector<Frame> out(1);
  stream_.generate_image(prepare(out).front());
  finish(1, out);
  return std::move(out.front());
}

StreamStep FrameStream::begin_step(std::span<const Frame> in, std::vector<Frame>& out) {
  in_.assign(in.begin(), in.end());
  return {.stream = &stream_, .in = in_, .out = prepare_step(out)};
}

void FrameStream::end_step(const StepResult& result, std::vector<Frame>& out) {
  finish(result.finished, out);
}

std::span<OutputFrame> FrameStream::prepare_step(std::vector<Frame>& out) {
  out.resize(static_cast<std::size_t>(stream_.options().frame_buffer_size));
  return prepare(out);
}

/// Gives the frames the stream's size, and returns their memory.
std::span<OutputFrame> FrameStream::prepare(std::span<Frame> out) {
  const StreamOptions& options = stream_.options();
  out_.clear();
  for (Frame& frame : out) {
    frame.resize(options.width, options.height);
    out_.emplace_back(frame.view());
  }
  return out_;
}

void FrameStream::finish(std::size_t finished, std::vector<Frame>& out) const {
  out.resize(finished);
  for (std::size_t i = 0; i < finished; ++i) {
    out[i].number = out_[i].number;
    out[i].time = out_[i].time;
  }
}

}  // namespace streamdiffusion
