#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace streamdiffusion {

/// A view of untrusted bytes of a file.
using Bytes = std::span<const std::uint8_t>;

/// The number in the first `count` bytes, at most 4. `bytes` must have that many.
inline std::uint32_t big_endian(Bytes bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = (value << 8) | bytes[i];
  return value;
}
/// The number in the first `count` bytes, at most 4. `bytes` must have that many.
inline std::uint32_t little_endian(Bytes bytes, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = (value << 8) | bytes[i];
  return value;
}

inline bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

/// The bytes after the first `count`; empty if there are fewer.
inline Bytes skip_bytes(Bytes bytes, std::size_t count) {
  return bytes.subspan(std::min(count, bytes.size()));
}

}  // namespace streamdiffusion
