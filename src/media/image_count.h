#pragma once

#include "media/byte_view.h"

namespace streamdiffusion {

/// Returns the number of images in a TIFF, GIF, PNG or WebP; 1 for other files. Thumbnails and masks of a
/// TIFF are not counted. Reads untrusted bytes; never fails.
std::size_t count_images(Bytes bytes);

}  // namespace streamdiffusion
