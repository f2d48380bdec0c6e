#pragma once

#include <concepts>
#include <string>

namespace streamdiffusion {

/// The permitted values of a number: from `low` to `high`, both included unless `excludes_low`.
template <typename Number>
struct Range {
  Number low;
  Number high;
  bool excludes_low = false;

  /// True if `number` is permitted; NaN is not.
  template <typename Other>
  [[nodiscard]] constexpr bool contains(Other number) const {
    return number <= static_cast<Other>(high) &&
           (number > static_cast<Other>(low) || (number == static_cast<Other>(low) && !excludes_low));
  }
};

/// Returns the shortest text that parses to the same number.
std::string text_of(float number);
std::string text_of(double number);
std::string text_of(std::integral auto number) { return std::to_string(number); }

/// Returns "from 0 to 1", or "above 0 and at most 1".
template <typename Number>
std::string text_of(const Range<Number>& range) {
  return (range.excludes_low ? "above " : "from ") + text_of(range.low) +
         (range.excludes_low ? " and at most " : " to ") + text_of(range.high);
}

}  // namespace streamdiffusion
