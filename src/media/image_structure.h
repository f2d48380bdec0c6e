#pragma once

#include <cstdint>
#include <span>

#include "media/byte_view.h"

namespace streamdiffusion {

/// Properties of the outer structure of a JPEG, PNG, WebP, TIFF or AVIF file that decoders do not report.
struct ImageStructure {
  enum class Format { other, jpeg, png, webp, tiff, avif };
  Format format = Format::other;
  bool cut_short = false;      ///< True if the end is missing.
  bool progressive = false;    ///< True for a JPEG of several passes over the whole image.
  bool animated = false;       ///< True for a WebP of several frames.
  bool lists_several = false;  ///< True for a JPEG whose header lists further images after it.
  bool jpeg_in_tiff = false;   ///< True for a TIFF whose pixels are compressed as JPEG.
  /// True for a TIFF in colours that FFmpeg does not convert, such as CIELAB.
  bool other_tiff_colours = false;
  bool tiled_tiff = false;      ///< True for a TIFF that stores tiles instead of strips.
  bool separate_alpha = false;  ///< True for an AVIF whose transparency is an image of its own.
  int orientation = 1;          ///< EXIF orientation, 1 to 8.
  Bytes colour_profile = {};    ///< The ICC profile of an AVIF, a part of the examined bytes; else empty.
  /// The chunk of a PNG or WebP, or a segment of a JPEG, that holds the ICC profile in the format's own
  /// wrapping. It is a part of the examined bytes; empty if there is none.
  Bytes wrapped_profile = {};
};

/// Examines untrusted bytes. Unknown formats and missing properties keep the defaults.
ImageStructure examine_image(std::span<const std::uint8_t> bytes);

}  // namespace streamdiffusion
