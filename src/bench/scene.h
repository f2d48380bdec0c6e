#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::bench {

/// The amount of motion in a scene.
enum class Motion {
  still,      ///< Only the camera's noise changes.
  sometimes,  ///< The scene moves for one second in every three.
  always,
};
const char* to_string(Motion motion);

/// A synthetic video of a camera with 30 frames per second: a moving view of a smooth background, a bright
/// disc and sensor noise. The same seed gives the same frames.
class Scene {
 public:
  static constexpr int kFrameRate = 30;

  Scene(int width, int height, Motion motion, std::uint32_t seed = 1);

  /// Renders frame `number`. Frames may be requested in any order.
  [[nodiscard]] Frame frame(std::int64_t number) const;
  [[nodiscard]] std::vector<Frame> frames(std::int64_t count) const;

 private:
  /// Returns the view's displacement at a frame, in frame widths.
  [[nodiscard]] double shift_at(std::int64_t number) const;

  int width_;
  int height_;
  Motion motion_;
  std::uint32_t seed_;
};

}  // namespace streamdiffusion::bench
