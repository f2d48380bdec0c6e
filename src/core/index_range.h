#pragma once

#include <cstdint>

namespace streamdiffusion {

/// Indices first .. last - 1.
struct IndexRange {
  std::int64_t first;
  std::int64_t last;
  [[nodiscard]] constexpr std::int64_t size() const { return last - first; }
};

/// Divides 0 .. count - 1 into `ranges` ranges of nearly the same length and returns range `index` of them.
constexpr IndexRange index_range(std::int64_t count, std::int64_t ranges, std::int64_t index) {
  return {count * index / ranges, count * (index + 1) / ranges};
}

}  // namespace streamdiffusion
