#include "media/play_count.h"

#include <fstream>
#include <vector>

#include "media/byte_view.h"
#include "media/gif_blocks.h"

namespace streamdiffusion {
namespace {

/// Bytes to read. The count precedes the first image, but a colour profile may precede the count.
constexpr std::size_t kStartBytes = std::size_t{1} << 20;

std::vector<std::uint8_t> read_start(const std::filesystem::path& file) {
  std::vector<std::uint8_t> bytes(kStartBytes);
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

/// Reads the count from the NETSCAPE extension, which counts repetitions. Without it a GIF is played once.
int plays_of_gif(Bytes bytes) {
  constexpr std::string_view kLoops{"\xFF\x0BNETSCAPE2.0\x03\x01", 15};
  if (bytes.size() < gif::kHeaderSize) return 1;
  bytes = skip_bytes(bytes, gif::kHeaderSize + gif::palette_size(bytes[gif::kHeaderFlags]));
  while (bytes.size() >= 2 && bytes[0] == gif::kExtension) {
    if (starts_with(skip_bytes(bytes, 1), kLoops) && bytes.size() >= 18) {
      const auto repetitions = static_cast<int>(little_endian(skip_bytes(bytes, 16), 2));
      return repetitions == 0 ? 0 : repetitions + 1;
    }
    bytes = gif::skip_sub_blocks(skip_bytes(bytes, 2));
  }
  return 1;
}

std::optional<int> plays_of_png(Bytes bytes) {
  constexpr std::size_t kChunk = 12;  // Bytes of length, type and checksum.
  bytes = skip_bytes(bytes, 8);
  while (bytes.size() >= kChunk && !starts_with(skip_bytes(bytes, 4), "IDAT")) {
    const std::size_t length = big_endian(bytes, 4);
    if (starts_with(skip_bytes(bytes, 4), "acTL") && bytes.size() >= 16)
      return static_cast<int>(big_endian(skip_bytes(bytes, 12), 4));
    bytes = skip_bytes(bytes, kChunk + length);
  }
  return std::nullopt;
}

std::optional<int> plays_of_webp(Bytes bytes) {
  bytes = skip_bytes(bytes, 12);
  while (bytes.size() >= 14) {
    if (starts_with(bytes, "ANIM")) return static_cast<int>(little_endian(skip_bytes(bytes, 12), 2));
    const std::size_t length = little_endian(skip_bytes(bytes, 4), 4);
    bytes = skip_bytes(bytes, 8 + length + length % 2);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> play_count(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_start(file);
  if (starts_with(bytes, "GIF8")) return plays_of_gif(bytes);
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n")) return plays_of_png(bytes);
  if (starts_with(bytes, "RIFF") && starts_with(skip_bytes(bytes, 8), "WEBP")) return plays_of_webp(bytes);
  return std::nullopt;
}

}  // namespace streamdiffusion
