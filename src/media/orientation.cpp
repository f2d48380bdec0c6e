#include "media/orientation.h"

#include <algorithm>
#include <cstdlib>

namespace streamdiffusion {

Orientation orientation_from_exif(int value) {
  switch (value) {
    case 2:
      return {false, true, false};
    case 3:
      return {false, true, true};
    case 4:
      return {false, false, true};
    case 5:
      return {true, false, false};
    case 6:
      return {true, true, false};
    case 7:
      return {true, true, true};
    case 8:
      return {true, false, true};
    default:
      return {};
  }
}

Orientation orientation_from_matrix(const std::int32_t* matrix) {
  // x' = a x + c y, y' = b x + d y
  const std::int64_t a = matrix[0];
  const std::int64_t b = matrix[1];
  const std::int64_t c = matrix[3];
  const std::int64_t d = matrix[4];
  if (std::abs(a) + std::abs(d) >= std::abs(b) + std::abs(c)) return {false, a < 0, d < 0};
  return {true, c < 0, b < 0};
}

bool is_quarter_turn(const std::int32_t* matrix) {
  const std::int64_t straight = std::abs(std::int64_t{matrix[0]}) + std::abs(std::int64_t{matrix[4]});
  const std::int64_t crossed = std::abs(std::int64_t{matrix[1]}) + std::abs(std::int64_t{matrix[3]});
  constexpr std::int64_t kRounding = 100;  // Allows a slope of 1/100, about half a degree.
  return std::min(straight, crossed) <= std::max(straight, crossed) / kRounding;
}

}  // namespace streamdiffusion
