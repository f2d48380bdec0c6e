#pragma once

#include "media/byte_view.h"

namespace streamdiffusion::gif {

inline constexpr std::size_t kHeaderSize = 13;
inline constexpr std::size_t kHeaderFlags = 10;  ///< Offset of the flags of the global palette.
inline constexpr std::uint8_t kExtension = 0x21;
inline constexpr std::uint8_t kImage = 0x2C;

/// Returns the bytes of the palette that the flags of a header or image announce.
inline std::size_t palette_size(std::uint8_t flags) {
  return (flags & 0x80) != 0 ? std::size_t{3} << ((flags & 7) + 1) : 0;
}

/// Returns the bytes behind sub-blocks of a length and as many bytes, which an empty one ends.
inline Bytes skip_sub_blocks(Bytes bytes) {
  while (!bytes.empty() && bytes[0] != 0) bytes = skip_bytes(bytes, std::size_t{1} + bytes[0]);
  return skip_bytes(bytes, 1);
}

}  // namespace streamdiffusion::gif
