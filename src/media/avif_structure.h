#pragma once

#include "media/byte_view.h"

namespace streamdiffusion {

/// True for an AVIF, an MP4 whose brand says so.
bool is_avif(Bytes bytes);

/// Properties of an AVIF's picture that FFmpeg before 7.1 does not tell.
struct AvifStructure {
  int orientation = 1;     ///< as EXIF's, 1 .. 8
  bool has_alpha = false;  ///< in a picture of its own, which FFmpeg does not join
};

/// Reads untrusted bytes; never fails.
AvifStructure examine_avif(Bytes bytes);

}  // namespace streamdiffusion
