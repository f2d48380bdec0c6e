#pragma once

#include <cstdint>
#include <span>

namespace streamdiffusion {

/// Facts from the outer structure of a JPEG, PNG, WebP, TIFF or AVIF file that decoders leave out or gloss
/// over.
struct PictureStructure {
  enum class Format { other, jpeg, png, webp, tiff, avif };
  Format format = Format::other;
  bool cut_short = false;    ///< its end is missing
  bool progressive = false;  ///< a JPEG of several passes, each over the whole picture
  bool animated = false;     ///< a WebP of several frames
  bool lists_several =
      false;                  ///< a JPEG whose header lists further pictures behind it (multi-picture format)
  bool jpeg_in_tiff = false;  ///< a TIFF whose pixels are compressed as JPEG
  bool tiled_tiff = false;    ///< a TIFF that stores tiles instead of strips
  bool separate_alpha = false;  ///< an AVIF with transparency, which is a picture of its own
  int orientation = 1;          ///< EXIF's, 1 .. 8
};

/// Reads untrusted bytes; never fails. Formats that it does not know are left as they are.
PictureStructure examine_picture(std::span<const std::uint8_t> bytes);

}  // namespace streamdiffusion
