#pragma once

#include <cstdint>
#include <span>

#include "streamdiffusion/frame.h"

namespace streamdiffusion::server {

/// An input image and a mask of the same size that says which of its pixels an answer keeps.
struct KeptPixels {
  Frame image;
  Frame opacity;  ///< 255 where the image is kept, 0 where it is redrawn; values between blend both.
};

/// Decodes the mask of an edit as decode_opacity does. Throws FieldError for "mask" if it cannot be decoded,
/// has another size than `image` or no transparent pixel.
Frame decode_mask(std::span<const std::uint8_t> bytes, const Frame& image, std::int64_t most_pixels);

/// Puts the kept pixels over a redrawn image of their size.
void restore_kept_pixels(const KeptPixels& kept, Frame& redrawn);

}  // namespace streamdiffusion::server
