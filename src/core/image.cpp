#include "streamdiffusion/image.h"

#include <algorithm>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr float kLowest = -0.5F;
constexpr float kHighest = 1.5F;

/// False for NaN.
bool is_in_range(float value) { return value >= kLowest && value <= kHighest; }

}  // namespace

void require_float_input(std::span<const float> values) {
  // Counts in place of stopping at the first value, so that compilers use vector instructions.
  unsigned wrong = 0;
  for (const float value : values) {
    wrong += static_cast<unsigned>(!is_in_range(value));
  }
  if (wrong != 0) {
    throw ArgumentError("an image has the float value " +
                        std::to_string(*std::ranges::find_if_not(values, is_in_range)) +
                        ", must be from 0 to 1; divide values of 0 to 255 by 255, or give them as uint8");
  }
}

}  // namespace streamdiffusion
