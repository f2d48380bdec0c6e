#pragma once

#include <cstdint>

namespace streamdiffusion {

/// How to turn a stored image upright: transposed first, then mirrored.
struct Orientation {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
};

/// Converts EXIF's orientation, 1 to 8. Other values mean "as stored".
Orientation orientation_from_exif(int value);

/// Converts FFmpeg's display matrix (nine numbers) to the nearest quarter turn and mirror.
Orientation orientation_from_matrix(const std::int32_t* matrix);
/// True if the display matrix turns by a multiple of 90 degrees and does not skew.
bool is_quarter_turn(const std::int32_t* matrix);

}  // namespace streamdiffusion
