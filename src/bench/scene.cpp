#include "bench/scene.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>

namespace streamdiffusion::bench {

namespace {

constexpr double kShiftPerFrame = 0.02;  // in widths: the view crosses its width in 50 frames
constexpr int kNoise = 6;                // number of noise levels, in steps of a pixel value

double wave(double turns) { return std::sin(2 * std::numbers::pi * turns); }

}  // namespace

const char* to_string(Motion motion) {
  switch (motion) {
    case Motion::still:
      return "still";
    case Motion::sometimes:
      return "moves now and then";
    case Motion::always:
      return "moving";
  }
  return "";
}

Scene::Scene(int width, int height, Motion motion, std::uint32_t seed)
    : width_(width), height_(height), motion_(motion), seed_(seed) {}

double Scene::shift_at(std::int64_t number) const {
  constexpr std::int64_t kPeriod = 3 * std::int64_t{kFrameRate};
  const std::int64_t moved =
      number / kPeriod * kFrameRate + std::min<std::int64_t>(number % kPeriod, kFrameRate);
  switch (motion_) {
    case Motion::still:
      return 0;
    case Motion::sometimes:
      return kShiftPerFrame * static_cast<double>(moved);
    case Motion::always:
      return kShiftPerFrame * static_cast<double>(number);
  }
  return 0;
}

Frame Scene::frame(std::int64_t number) const {
  Frame frame;
  frame.resize(width_, height_);
  frame.number = number;
  frame.time = std::chrono::microseconds(number * 1'000'000 / kFrameRate);
  const double shift = shift_at(number);
  const double phase = 0.1 * seed_;
  std::minstd_rand noise(seed_ + static_cast<std::uint32_t>(number));
  auto pixel = frame.pixels.begin();
  for (int y = 0; y < height_; ++y) {
    const double v = static_cast<double>(y) / height_;
    for (int x = 0; x < width_; ++x) {
      const double u = static_cast<double>(x) / width_ + shift;
      const double across = u - std::floor(u) - 0.5;
      const double inside = across * across + (v - 0.5) * (v - 0.5) < 0.06 ? 90 : 0;
      for (int channel = 0; channel < 3; ++channel) {
        const double soft = 110 + 60 * wave(u * (1 + channel) + phase) * wave(v * (2 - 0.5 * channel));
        const double value = soft + inside + static_cast<double>(noise() % kNoise) - kNoise / 2.0;
        *pixel++ = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return frame;
}

std::vector<Frame> Scene::frames(std::int64_t count) const {
  std::vector<Frame> frames;
  for (std::int64_t number = 0; number < count; ++number) {
    frames.push_back(frame(number));
  }
  return frames;
}

}  // namespace streamdiffusion::bench
