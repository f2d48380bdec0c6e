#include "media/image_count.h"

#include <optional>

#include "media/gif_blocks.h"
#include "media/png_chunk.h"

namespace streamdiffusion {
namespace {

/// Counting a TIFF ends here, since its directories may form a ring.
constexpr std::size_t kMostPages = 100'000;

/// True for a page; false for a thumbnail or mask. `directory` begins with the number of entries of twelve
/// bytes: tag, type, count and value.
bool is_page(Bytes directory, std::uint32_t (*number)(Bytes, std::size_t)) {
  constexpr std::uint32_t kSubfileType = 254;
  constexpr std::uint32_t kThumbnailOrMask = 1 | 4;
  std::uint32_t entries = number(directory, 2);
  for (directory = skip_bytes(directory, 2); entries > 0 && directory.size() >= 12; --entries) {
    if (number(directory, 2) == kSubfileType) {
      return (number(skip_bytes(directory, 8), 4) & kThumbnailOrMask) == 0;
    }
    directory = skip_bytes(directory, 12);
  }
  return true;
}

/// Counts the images of a TIFF. Its header ends with the offset of the first directory, and each directory
/// with the offset of the next one.
std::size_t count_pages(Bytes tiff) {
  const auto number = starts_with(tiff, "MM") ? big_endian : little_endian;
  std::size_t pages = 0;
  Bytes offset = skip_bytes(tiff, 4);
  for (std::size_t i = 0; i < kMostPages && offset.size() >= 4; ++i) {
    const std::uint32_t begin = number(offset, 4);
    const Bytes directory = skip_bytes(tiff, begin);
    if (begin == 0 || directory.size() < 2) break;
    pages += is_page(directory, number) ? 1 : 0;
    offset = skip_bytes(directory, 2 + std::size_t{12} * number(directory, 2));
  }
  return pages;
}

std::size_t count_gif_images(Bytes bytes) {
  constexpr std::size_t kImageHeader = 10;
  constexpr std::size_t kImageFlags = 9;
  if (bytes.size() < gif::kHeaderSize) return 1;
  std::size_t images = 0;
  bytes = skip_bytes(bytes, gif::kHeaderSize + gif::palette_size(bytes[gif::kHeaderFlags]));
  while (bytes.size() > kImageHeader) {
    if (bytes[0] == gif::kImage) {
      ++images;
      // The smallest code of the compression takes a byte before the sub-blocks.
      bytes =
          gif::skip_sub_blocks(skip_bytes(bytes, kImageHeader + gif::palette_size(bytes[kImageFlags]) + 1));
    } else if (bytes[0] == gif::kExtension) {
      bytes = gif::skip_sub_blocks(skip_bytes(bytes, 2));
    } else {
      break;
    }
  }
  return images;
}

/// The chunk of the animation tells the number of frames.
std::size_t count_png_images(Bytes bytes) {
  Bytes rest = skip_bytes(bytes, kPngSignature.size());
  while (const std::optional<PngChunk> chunk = take_png_chunk(rest)) {
    if (chunk->has_type("IDAT")) break;
    if (chunk->has_type("acTL") && chunk->content().size() >= 4) return big_endian(chunk->content(), 4);
  }
  return 1;
}

std::size_t count_webp_images(Bytes bytes) {
  std::size_t images = 0;
  bytes = skip_bytes(bytes, 12);
  while (bytes.size() >= 8) {
    const std::size_t length = little_endian(skip_bytes(bytes, 4), 4);
    images += starts_with(bytes, "ANMF") ? 1 : 0;
    bytes = skip_bytes(bytes, 8 + length + length % 2);
  }
  return images;
}

}  // namespace

std::size_t count_images(Bytes bytes) {
  if (starts_with(bytes, {"II*\0", 4}) || starts_with(bytes, {"MM\0*", 4})) return count_pages(bytes);
  if (starts_with(bytes, "GIF8")) return count_gif_images(bytes);
  if (starts_with(bytes, kPngSignature)) return count_png_images(bytes);
  if (starts_with(bytes, "RIFF") && starts_with(skip_bytes(bytes, 8), "WEBP"))
    return count_webp_images(bytes);
  return 1;
}

}  // namespace streamdiffusion
