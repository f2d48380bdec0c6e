// Any bytes that an image embeds as a colour profile become a transform of its pixels or an Error.
#include "media/colour_profile.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "streamdiffusion/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::array<std::uint8_t, 12> pixels = {0, 1, 127, 255, 254, 200, 100, 50, 7, 7, 7, 7};
  for (const bool has_alpha : {false, true}) {
    for (const bool is_grey : {false, true}) {
      try {
        const auto transform = streamdiffusion::transform_from_profile(
            {data, size}, {.has_alpha = has_alpha, .is_grey = is_grey});
        if (transform) transform->apply(pixels.data(), has_alpha ? 3 : 4);
      } catch (const streamdiffusion::Error&) {
      }
    }
  }
  return 0;
}
