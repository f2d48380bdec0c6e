#include <turbojpeg.h>

#include <memory>

#include "core/free_with.h"
#include "media/image_encoders.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::vector<std::uint8_t> encode_jpeg(const Frame& frame, int quality) {
  const std::unique_ptr<void, FreeWith<tjDestroy>> handle(tjInitCompress());
  if (!handle) throw MediaError("libjpeg-turbo cannot be started");
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  // High quality takes full chroma resolution, as in cameras and other programs.
  constexpr int kFullChromaFrom = 90;
  const int result = tjCompress2(handle.get(), frame.pixels.data(), frame.width, 0, frame.height, TJPF_RGB,
                                 &buffer, &size, quality >= kFullChromaFrom ? TJSAMP_444 : TJSAMP_420,
                                 quality < 1 ? 1 : quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, FreeWith<tjFree>> owner(buffer);
  if (result != 0) throw MediaError(std::string("libjpeg-turbo: ") + tjGetErrorStr2(handle.get()));
  return {buffer, buffer + size};
}

}  // namespace streamdiffusion
