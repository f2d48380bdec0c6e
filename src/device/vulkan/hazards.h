#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "device/vulkan/memory.h"

namespace streamdiffusion::vulkan {

/// Memory that a shader reads or writes: `width` bytes from `first` on, and again after each `stride` bytes,
/// up to `end`.
struct Region {
  Address first = 0;
  Address end = 0;
  std::uint64_t stride = 0;
  std::uint64_t width = 0;
};

/// Returns the memory of a tensor; a slice of channels does not include the channels between its own.
inline Region region_of(const Tensor& tensor) {
  const std::uint64_t element = size_of(tensor.dtype);
  const auto pixels = static_cast<std::uint64_t>(tensor.shape.pixels());
  const std::uint64_t stride = static_cast<std::uint64_t>(tensor.stride) * element;
  const std::uint64_t width = static_cast<std::uint64_t>(tensor.shape.c) * element;
  const Address first = address_of(tensor.data);
  return {first, first + (pixels - 1) * stride + width, stride, width};
}

/// Returns a region without gaps.
inline Region region_of(Address first, std::uint64_t bytes) { return {first, first + bytes, bytes, bytes}; }

inline Region region_of(const Buffer& buffer) { return region_of(address_of(buffer.data()), buffer.bytes()); }

/// True if the regions have bytes in common. May be true for regions that have none, if their strides differ.
inline bool overlap(const Region& one, const Region& other) {
  if (one.end <= other.first || other.end <= one.first) {
    return false;
  }
  if (one.stride != other.stride) {
    return true;
  }
  const bool other_is_later = other.first >= one.first;
  const std::uint64_t distance = other_is_later ? other.first - one.first : one.first - other.first;
  const std::uint64_t behind = distance % one.stride;
  const std::uint64_t width_before = other_is_later ? one.width : other.width;
  const std::uint64_t width_behind = other_is_later ? other.width : one.width;
  return behind < width_before || behind + width_behind > one.stride;
}

/// Finds where commands of one queue need a barrier between them.
class Hazards {
 public:
  /// Adds a command. Returns true if a barrier has to come before it, because it reads what a command since
  /// the last barrier writes, or writes what one reads or writes.
  bool add(std::span<const Region> reads, std::span<const Region> writes) {
    const bool barrier =
        any_overlap(reads, writes_) || any_overlap(writes, writes_) || any_overlap(writes, reads_);
    if (barrier) {
      clear();
    }
    reads_.insert(reads_.end(), reads.begin(), reads.end());
    writes_.insert(writes_.end(), writes.begin(), writes.end());
    return barrier;
  }

  /// Forgets all commands, because a barrier follows them.
  void clear() {
    reads_.clear();
    writes_.clear();
  }

 private:
  static bool any_overlap(std::span<const Region> some, std::span<const Region> others) {
    for (const Region& one : some) {
      for (const Region& other : others) {
        if (overlap(one, other)) {
          return true;
        }
      }
    }
    return false;
  }

  std::vector<Region> reads_;
  std::vector<Region> writes_;
};

}  // namespace streamdiffusion::vulkan
