#pragma once

#include "media/byte_view.h"

namespace streamdiffusion {

/// True if the bytes begin an AVIF file, judged by the brand in its `ftyp` box.
bool is_avif(Bytes bytes);

/// Properties of an AVIF image that FFmpeg before 7.1 does not report.
struct AvifStructure {
  int orientation = 1;        ///< EXIF orientation, 1 to 8.
  bool has_alpha = false;     ///< True if there is an alpha image, which FFmpeg does not merge.
  Bytes colour_profile = {};  ///< The ICC profile, a part of the examined bytes; empty if there is none.
};

/// Reads the properties from untrusted bytes. Missing or malformed ones keep their defaults.
AvifStructure examine_avif(Bytes bytes);

}  // namespace streamdiffusion
