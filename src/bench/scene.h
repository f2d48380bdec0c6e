#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::bench {

/// How much a scene moves.
enum class Motion {
  still,      ///< the camera's noise alone
  sometimes,  ///< a second of movement in every three
  always,
};
const char* to_string(Motion motion);

/// What a camera with 30 frames a second might see: a soft background over which the view moves, something
/// bright in front of it, and the sensor's noise. The same seed gives the same frames.
class Scene {
 public:
  static constexpr int kFrameRate = 30;

  Scene(int width, int height, Motion motion, std::uint32_t seed = 1);

  /// Frame `number`, of any order.
  [[nodiscard]] Frame frame(std::int64_t number) const;
  [[nodiscard]] std::vector<Frame> frames(std::int64_t count) const;

 private:
  /// How far the view has moved at a frame, in frame widths.
  [[nodiscard]] double shift_at(std::int64_t number) const;

  int width_;
  int height_;
  Motion motion_;
  std::uint32_t seed_;
};

}  // namespace streamdiffusion::bench
