#include "media/image_structure.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "media/avif_structure.h"
#include "media/byte_view.h"
#include "media/png_chunk.h"

namespace streamdiffusion {
namespace {

constexpr std::string_view kExifHeader{"Exif\0\0", 6};
constexpr std::string_view kTiffLittleEndian{"II*\0", 4};
constexpr std::string_view kTiffBigEndian{"MM\0*", 4};
constexpr std::string_view kMpfHeader{"MPF\0", 4};  // The list of further images in a JPEG (CIPA DC-007).
constexpr std::string_view kProfileHeader{"ICC_PROFILE\0", 12};

/// Returns an integer in an EXIF block or a TIFF; 1 if there is none. Its header is followed by a directory
/// with entries of twelve bytes: tag, type, count and value.
int tiff_value(Bytes exif, std::uint32_t tag) {
  constexpr std::uint32_t kLong = 4;  // The type of 32-bit integers. All others are read as 16 bits.
  if (starts_with(exif, kExifHeader)) exif = skip_bytes(exif, kExifHeader.size());
  if (exif.size() < 8) return 1;
  const auto number = starts_with(exif, "MM") ? big_endian : little_endian;
  Bytes directory = skip_bytes(exif, number(skip_bytes(exif, 4), 4));
  if (directory.size() < 2) return 1;
  const std::uint32_t entries = number(directory, 2);
  directory = skip_bytes(directory, 2);
  for (std::uint32_t i = 0; i < entries && directory.size() >= 12;
       ++i, directory = skip_bytes(directory, 12)) {
    if (number(directory, 2) != tag) continue;
    const std::size_t size = number(skip_bytes(directory, 2), 2) == kLong ? 4 : 2;
    return static_cast<int>(number(skip_bytes(directory, 8), size));
  }
  return 1;
}

int exif_orientation(Bytes exif) {
  constexpr std::uint32_t kOrientationTag = 0x0112;
  return tiff_value(exif, kOrientationTag);
}

ImageStructure examine_tiff(Bytes bytes) {
  constexpr std::uint32_t kCompressionTag = 0x0103;
  constexpr std::uint32_t kTileWidthTag = 0x0142;
  constexpr int kNoTiles = 1;  // Tiles are at least 16 pixels wide.
  constexpr int kOldJpeg = 6;
  constexpr int kJpeg = 7;
  constexpr std::uint32_t kColoursTag = 0x0106;  // PhotometricInterpretation
  // CIELAB, ICCLAB, ITULAB, and LogL and LogLuv of high dynamic range.
  constexpr std::array kOtherColours = {8, 9, 10, 32844, 32845};
  const int compression = tiff_value(bytes, kCompressionTag);
  const int colours = tiff_value(bytes, kColoursTag);
  return {.format = ImageStructure::Format::tiff,
          .jpeg_in_tiff = compression == kOldJpeg || compression == kJpeg,
          .other_tiff_colours = std::ranges::find(kOtherColours, colours) != kOtherColours.end(),
          .tiled_tiff = tiff_value(bytes, kTileWidthTag) != kNoTiles,
          .orientation = exif_orientation(bytes)};
}

/// A JPEG consists of segments with marker and length. After "start of scan" comes compressed data, in which
/// markers are escaped.
ImageStructure examine_jpeg(Bytes bytes) {
  ImageStructure structure{.format = ImageStructure::Format::jpeg, .cut_short = true};
  constexpr std::uint8_t kEnd = 0xD9;
  constexpr std::uint8_t kScan = 0xDA;
  constexpr std::uint8_t kProgressive = 0xC2;
  constexpr std::uint8_t kApp1 = 0xE1;
  constexpr std::uint8_t kApp2 = 0xE2;
  bytes = skip_bytes(bytes, 2);
  while (bytes.size() >= 2) {
    const std::uint8_t marker = bytes[1];
    const bool stands_alone = marker == 0 || marker == 1 || (marker >= 0xD0 && marker <= 0xD7);
    if (bytes[0] != 0xFF || marker == 0xFF || stands_alone) {  // Data, padding or a restart marker.
      bytes = skip_bytes(bytes, 1);
      continue;
    }
    if (marker == kEnd) {
      structure.cut_short = false;
      break;
    }
    if (bytes.size() < 4) break;
    const std::size_t length = std::max<std::size_t>(big_endian(skip_bytes(bytes, 2), 2), 2);
    const Bytes content = skip_bytes(bytes, 4).first(std::min(length - 2, bytes.size() - 4));
    if (marker == kApp1 && starts_with(content, kExifHeader))
      structure.orientation = exif_orientation(content);
    if (marker == kApp2 && starts_with(content, kProfileHeader)) structure.wrapped_profile = content;
    if (marker == kProgressive) structure.progressive = true;
    if (marker == kApp2 && starts_with(content, kMpfHeader)) structure.lists_several = true;
    bytes = skip_bytes(bytes, 2 + length);
    if (marker == kScan) {
      while (bytes.size() >= 2 && bytes[0] != 0xFF) bytes = skip_bytes(bytes, 1);
    }
  }
  return structure;
}

ImageStructure examine_png(Bytes bytes) {
  ImageStructure structure{.format = ImageStructure::Format::png, .cut_short = true};
  Bytes rest = skip_bytes(bytes, kPngSignature.size());
  while (const std::optional<PngChunk> chunk = take_png_chunk(rest)) {
    if (chunk->has_type("eXIf")) structure.orientation = exif_orientation(chunk->content());
    if (chunk->has_type("iCCP")) structure.wrapped_profile = chunk->whole;
    if (chunk->has_type("IEND")) {
      structure.cut_short = false;
      break;
    }
  }
  return structure;
}

/// A WebP is a RIFF file: chunks with type, length and data, padded to even lengths.
ImageStructure examine_webp(Bytes bytes) {
  ImageStructure structure{.format = ImageStructure::Format::webp};
  structure.cut_short = little_endian(skip_bytes(bytes, 4), 4) > bytes.size() - 8;
  bytes = skip_bytes(bytes, 12);
  while (bytes.size() >= 8) {
    const std::size_t length = little_endian(skip_bytes(bytes, 4), 4);
    if (length > bytes.size() - 8) break;
    if (starts_with(bytes, "EXIF"))
      structure.orientation = exif_orientation(skip_bytes(bytes, 8).first(length));
    if (starts_with(bytes, "ICCP")) structure.wrapped_profile = bytes.first(8 + length);
    if (starts_with(bytes, "ANIM")) structure.animated = true;
    bytes = skip_bytes(bytes, 8 + length + length % 2);
  }
  return structure;
}

}  // namespace

ImageStructure examine_image(std::span<const std::uint8_t> bytes) {
  if (starts_with(bytes, "\xFF\xD8\xFF")) return examine_jpeg(bytes);
  if (starts_with(bytes, kPngSignature)) return examine_png(bytes);
  if (bytes.size() >= 12 && starts_with(bytes, "RIFF") && starts_with(skip_bytes(bytes, 8), "WEBP")) {
    return examine_webp(bytes);
  }
  if (starts_with(bytes, kTiffLittleEndian) || starts_with(bytes, kTiffBigEndian)) {
    return examine_tiff(bytes);
  }
  if (is_avif(bytes)) {
    const AvifStructure avif = examine_avif(bytes);
    return {.format = ImageStructure::Format::avif,
            .separate_alpha = avif.has_alpha,
            .orientation = avif.orientation,
            .colour_profile = avif.colour_profile};
  }
  return {};
}

}  // namespace streamdiffusion
