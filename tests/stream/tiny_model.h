#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

// Calls of a stream with frames that own their pixels.
inline StepResult step(Stream& stream, const std::vector<Frame>& in, std::vector<Frame>& out) {
  return FrameStream(stream).step(in, out);
}
inline void drain(Stream& stream, std::vector<Frame>& out) { FrameStream(stream).drain(out); }
inline void generate(Stream& stream, std::vector<Frame>& out) { FrameStream(stream).generate(out); }

inline Frame generate_image(Stream& stream) { return FrameStream(stream).generate_image(); }
inline Frame generate_image(Stream& stream, const Frame& in) {
  return FrameStream(stream).generate_image(in);
}
inline Frame generate_image(Stream&& stream, const Frame& in) { return generate_image(stream, in); }
inline void generate_images(Stream& stream, std::span<const std::uint32_t> variations,
                            std::vector<Frame>& out) {
  FrameStream(stream).generate_images(variations, out);
}

/// Runs step_streams with frames that own their pixels.
inline std::vector<StepResult> step_together(const std::vector<Stream*>& streams,
                                             const std::vector<std::vector<Frame>>& in,
                                             std::vector<std::vector<Frame>>& out) {
  std::vector<FrameStream> frames;
  for (Stream* const stream : streams) {
    frames.emplace_back(*stream);
  }
  out.resize(streams.size());
  std::vector<StreamStep> steps;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    steps.push_back(frames[i].begin_step(in[i], out[i]));
  }
  step_streams(steps);
  std::vector<StepResult> results;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    frames[i].end_step(steps[i].result, out[i]);
    results.push_back(steps[i].result);
  }
  return results;
}

}  // namespace streamdiffusion

namespace streamdiffusion::tests {

constexpr int kSize = 32;

inline std::filesystem::path tiny_model_folder(const std::string& name = "tiny-sd15") {
  return std::filesystem::path(PROJECT_FOLDER) / "tests" / "conformance" / "cases" / "models" / name;
}

inline std::shared_ptr<Model> load_tiny_model(ModelOptions options = {}) {
  options.path = tiny_model_folder();
  options.threads = 1;
  return Model::load(options);
}

/// A frame that differs everywhere from those with other numbers.
inline Frame make_frame(std::int64_t number, int width = kSize, int height = kSize) {
  Frame frame;
  frame.resize(width, height);
  frame.number = number;
  frame.time = std::chrono::microseconds(number * 40'000);
  std::uint32_t state = static_cast<std::uint32_t>(number) * 2654435761U + 1;
  for (std::uint8_t& value : frame.pixels) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint8_t>(state >> 24U);
  }
  return frame;
}

/// The largest difference of two frames' values (0 to 255). Frames of different sizes differ by 255.
inline int difference(const Frame& a, const Frame& b) {
  if (a.width != b.width || a.height != b.height) {
    return 255;
  }
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<int>(a.pixels[i]) - static_cast<int>(b.pixels[i])));
  }
  return largest;
}

inline Parameters make_parameters(std::vector<int> t_index_list = {22, 32, 45}) {
  Parameters parameters;
  parameters.prompt = "a red boat on a lake";
  parameters.negative_prompt = "low quality";
  parameters.t_index_list = std::move(t_index_list);
  return parameters;
}

inline StreamOptions make_options(int frame_buffer_size = 1, bool use_denoising_batch = true) {
  return {.width = kSize,
          .height = kSize,
          .frame_buffer_size = frame_buffer_size,
          .use_denoising_batch = use_denoising_batch};
}

/// Steps frames `first` to `first + count - 1` and returns those that come out. `count` is a multiple of the
/// frame buffer.
inline std::vector<Frame> step_frames(Stream& stream, std::int64_t first, std::int64_t count) {
  const auto together = static_cast<std::int64_t>(stream.options().frame_buffer_size);
  std::vector<Frame> all;
  std::vector<Frame> out;
  for (std::int64_t start = first; start < first + count; start += together) {
    std::vector<Frame> in;
    for (std::int64_t i = 0; i < together; ++i) {
      in.push_back(make_frame(start + i, stream.options().width, stream.options().height));
    }
    step(stream, in, out);
    all.insert(all.end(), out.begin(), out.end());
  }
  return all;
}

inline std::vector<Frame> drain_all(Stream& stream) {
  std::vector<Frame> all;
  std::vector<Frame> out;
  for (drain(stream, out); !out.empty(); drain(stream, out)) {
    all.insert(all.end(), out.begin(), out.end());
  }
  return all;
}

inline std::vector<Frame> run_frames(Stream& stream, std::int64_t first, std::int64_t count) {
  std::vector<Frame> all = step_frames(stream, first, count);
  const std::vector<Frame> rest = drain_all(stream);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

inline std::vector<std::int64_t> numbers(const std::vector<Frame>& frames) {
  std::vector<std::int64_t> values;
  for (const Frame& frame : frames) {
    values.push_back(frame.number);
  }
  return values;
}

}  // namespace streamdiffusion::tests
