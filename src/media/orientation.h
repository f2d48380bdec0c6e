#pragma once

#include <cstdint>

namespace streamdiffusion {

/// How a stored picture is turned to be looked at: rows and columns exchanged first, then mirrored.
struct Orientation {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
};

/// EXIF's orientation, 1 .. 8; other values mean as stored.
Orientation orientation_from_exif(int value);

/// FFmpeg's display matrix (nine numbers), to the nearest quarter turn.
Orientation orientation_from_matrix(const std::int32_t* matrix);
/// False where the matrix turns by another angle than a multiple of 90 degrees, or skews.
bool is_quarter_turn(const std::int32_t* matrix);

}  // namespace streamdiffusion
