#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::tests {

namespace fs = std::filesystem;

/// A temporary folder that is deleted with the object.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_(fs::temp_directory_path() / ("media-test-" + std::to_string(std::random_device()()))) {
    fs::create_directories(path_);
  }
  ~ScratchFolder() { fs::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  /// The sorted names of all files, including hidden ones.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  fs::path path_;
};

inline std::string fixture(const std::string& name) {
  return std::string(PROJECT_FOLDER "/tests/media/data/") + name;
}

inline std::string read_bytes(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::string& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// Returns the message of the Error that `action` throws.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

using Colour = std::array<int, 3>;
inline constexpr Colour kRed{255, 0, 0};
inline constexpr Colour kGreen{0, 255, 0};
inline constexpr Colour kBlue{0, 0, 255};
inline constexpr Colour kBlack{0, 0, 0};
inline constexpr Colour kWhite{255, 255, 255};

/// Returns the frame fitted into another size.
inline Frame fit_to_size(const Frame& frame, Fit fit, int width, int height) {
  Frame out;
  out.width = width;
  out.height = height;
  fit_frame(frame, fit, out);
  return out;
}

inline Colour pixel(const Frame& frame, int x, int y) {
  const std::size_t at =
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(frame.width) + static_cast<std::size_t>(x)) * 3;
  return {frame.pixels[at], frame.pixels[at + 1], frame.pixels[at + 2]};
}

inline testing::AssertionResult near(const Colour& a, const Colour& b, int tolerance) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (std::abs(a[i] - b[i]) > tolerance) {
      return testing::AssertionFailure() << "(" << a[0] << ", " << a[1] << ", " << a[2] << ") is not ("
                                         << b[0] << ", " << b[1] << ", " << b[2] << ")";
    }
  }
  return testing::AssertionSuccess();
}

/// A corner patch of the fixtures' scene; `at` returns the colour at its centre.
enum class Corner { top_left, top_right, bottom_left, bottom_right };
inline Colour at(const Frame& frame, Corner corner) {
  const bool right = corner == Corner::top_right || corner == Corner::bottom_right;
  const bool bottom = corner == Corner::bottom_left || corner == Corner::bottom_right;
  return pixel(frame, right ? frame.width - 8 : 8, bottom ? frame.height - 8 : 8);
}

inline void expect_scene(const Frame& frame, int tolerance) {
  EXPECT_TRUE(near(at(frame, Corner::top_left), kRed, tolerance));
  EXPECT_TRUE(near(at(frame, Corner::top_right), kGreen, tolerance));
  EXPECT_TRUE(near(at(frame, Corner::bottom_left), kBlue, tolerance));
  EXPECT_TRUE(near(at(frame, Corner::bottom_right), kBlack, tolerance));
  EXPECT_TRUE(near(pixel(frame, frame.width / 2, frame.height / 2), kWhite, tolerance));
}

inline Frame plain_frame(int width, int height, const Colour& colour) {
  Frame frame;
  frame.resize(width, height);
  for (std::size_t i = 0; i < frame.pixels.size(); ++i)
    frame.pixels[i] = static_cast<std::uint8_t>(colour[i % 3]);
  return frame;
}

/// A frame that differs in every pixel and is smooth enough for a codec.
inline Frame gradient_frame(int width, int height, int number = 0) {
  Frame frame;
  frame.resize(width, height);
  std::size_t at = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      frame.pixels[at++] = static_cast<std::uint8_t>(x * 255 / width);
      frame.pixels[at++] = static_cast<std::uint8_t>(y * 255 / height);
      frame.pixels[at++] = static_cast<std::uint8_t>((number * 20) % 256);
    }
  }
  frame.number = number;
  return frame;
}

inline std::vector<Frame> read_all(const SourceOptions& options) {
  const auto source = open_source(options);
  std::vector<Frame> frames;
  Frame frame;
  while (source->read(frame)) frames.push_back(frame);
  return frames;
}
inline std::vector<Frame> read_all(const std::string& input) {
  SourceOptions options;
  options.input = input;
  return read_all(options);
}

inline void write_clip(const SinkOptions& options, int frames) {
  const auto sink = open_sink(options);
  for (int i = 0; i < frames; ++i) sink->write(gradient_frame(options.width, options.height, i));
  sink->finish();
}
inline SinkOptions sink_options(const std::string& output, int width = 64, int height = 48) {
  SinkOptions options;
  options.output = output;
  options.width = width;
  options.height = height;
  return options;
}

/// Writes a video whose packets can be damaged one by one. Returns the file's bytes.
inline std::string write_mpeg4(const std::string& file, int frames) {
  SinkOptions options = sink_options(file);
  options.codec = "mpeg4";
  write_clip(options, frames);
  return read_bytes(file);
}

}  // namespace streamdiffusion::tests
