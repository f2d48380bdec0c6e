#pragma once

#include <cstdint>
#include <span>

namespace streamdiffusion {

/// What the outer structure of a JPEG, PNG or WebP file tells that decoders leave out or gloss over.
struct PictureStructure {
  bool known = false;      ///< it is one of the three
  bool cut_short = false;  ///< its end is missing
  int orientation = 1;     ///< EXIF's, 1 .. 8
};

/// Reads untrusted bytes; never fails. Formats that it does not know are left as they are.
PictureStructure examine_picture(std::span<const std::uint8_t> bytes);

}  // namespace streamdiffusion
