#include "media/lighter_png.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "media/png_chunk.h"

namespace streamdiffusion {
namespace {

/// True if deflated data has more than `most` bytes when it is inflated. False for damaged data, which
/// decoders refuse by themselves.
bool inflates_beyond(Bytes deflated, std::size_t most) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return true;
  stream.next_in = const_cast<Bytef*>(deflated.data());
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::array<Bytef, 1 << 14> scratch;
  std::size_t size = 0;
  int result = Z_OK;
  while (result == Z_OK && size <= most) {
    stream.next_out = scratch.data();
    stream.avail_out = static_cast<uInt>(scratch.size());
    result = inflate(&stream, Z_NO_FLUSH);
    size += scratch.size() - stream.avail_out;
  }
  inflateEnd(&stream);
  return size > most;
}

/// The deflated part of an iCCP chunk's content: a name that ends with 0 and the method come before it.
Bytes deflated_profile(Bytes content) {
  const auto name_end = std::ranges::find(content, 0);
  return skip_bytes(content, static_cast<std::size_t>(name_end - content.begin()) + 2);
}

}  // namespace

std::optional<LighterPng> without_heavy_chunks(Bytes png, std::size_t most_profile) {
  if (!starts_with(png, kPngSignature)) return std::nullopt;
  LighterPng lighter;
  bool has_changed = false;
  const auto keep = [&](Bytes part) { lighter.bytes.insert(lighter.bytes.end(), part.begin(), part.end()); };
  keep(png.first(kPngSignature.size()));
  Bytes rest = skip_bytes(png, kPngSignature.size());
  while (const std::optional<PngChunk> chunk = take_png_chunk(rest)) {
    const bool is_text = chunk->has_type("zTXt") || chunk->has_type("iTXt");
    const bool is_heavy_profile =
        chunk->has_type("iCCP") && inflates_beyond(deflated_profile(chunk->content()), most_profile);
    if (is_text || is_heavy_profile) {
      has_changed = true;
      lighter.lacks_profile = lighter.lacks_profile || is_heavy_profile;
    } else {
      keep(chunk->whole);
    }
  }
  keep(rest);
  return has_changed ? std::optional(std::move(lighter)) : std::nullopt;
}

}  // namespace streamdiffusion
