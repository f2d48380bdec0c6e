#include "server/kept_pixels.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "control/settings_json.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion::server {

namespace {

std::string size_text(const Frame& frame) {
  return std::to_string(frame.width) + "x" + std::to_string(frame.height);
}

}  // namespace

Frame decode_mask(std::span<const std::uint8_t> bytes, const Frame& image, std::int64_t most_pixels) {
  Frame mask;
  try {
    mask = decode_opacity(bytes, most_pixels);
  } catch (const MediaError& error) {
    throw FieldError("mask", std::string("cannot be used: ") + error.what());
  }
  if (mask.width != image.width || mask.height != image.height) {
    throw FieldError("mask",
                     "must have the size of the image, " + size_text(image) + "; it has " + size_text(mask));
  }
  if (std::ranges::all_of(mask.pixels, [](std::uint8_t opacity) { return opacity == 255; })) {
    throw FieldError("mask", "must have transparent pixels, which say where the image is redrawn");
  }
  return mask;
}

void restore_kept_pixels(const KeptPixels& kept, Frame& redrawn) {
  for (std::size_t i = 0; i < redrawn.pixels.size(); ++i) {
    const int opacity = kept.opacity.pixels.at(i);
    const int sum = kept.image.pixels.at(i) * opacity + redrawn.pixels[i] * (255 - opacity);
    redrawn.pixels[i] = static_cast<std::uint8_t>((sum + 127) / 255);  // Rounds to the nearest value.
  }
}

}  // namespace streamdiffusion::server
