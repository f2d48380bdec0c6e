#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "media/byte_view.h"

namespace streamdiffusion {

/// The bytes that a PNG begins with, before its chunks.
inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

/// A complete chunk of a PNG: length (4 bytes), type (4), content and checksum (4).
struct PngChunk {
  Bytes whole;

  [[nodiscard]] bool has_type(std::string_view type) const { return starts_with(skip_bytes(whole, 4), type); }
  [[nodiscard]] Bytes content() const { return whole.subspan(8, whole.size() - 12); }
};

/// Takes the first chunk off `rest`, the bytes behind the signature or another chunk. Returns nothing, and
/// leaves `rest` as it is, if no complete chunk is left.
inline std::optional<PngChunk> take_png_chunk(Bytes& rest) {
  constexpr std::size_t kAroundContent = 12;
  if (rest.size() < kAroundContent) return std::nullopt;
  const std::size_t length = big_endian(rest, 4);
  if (length > rest.size() - kAroundContent) return std::nullopt;
  const PngChunk chunk{rest.first(kAroundContent + length)};
  rest = skip_bytes(rest, chunk.whole.size());
  return chunk;
}

}  // namespace streamdiffusion
