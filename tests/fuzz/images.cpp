// Checks that any bytes give an Error or an image of an allowed size.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "streamdiffusion/error.h"
#include "streamdiffusion/media.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kMostPixels = 1 << 16;
  try {
    const streamdiffusion::Frame frame = streamdiffusion::decode_image({data, size}, kMostPixels);
    const std::int64_t pixels = std::int64_t{frame.width} * frame.height;
    if (frame.width <= 0 || frame.height <= 0 || pixels > kMostPixels ||
        frame.pixels.size() != static_cast<std::size_t>(pixels) * 3) {
      std::abort();
    }
  } catch (const streamdiffusion::Error&) {
  }
  return 0;
}
