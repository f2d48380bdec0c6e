#include <turbojpeg.h>

#include <memory>

#include "media/image_encoders.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
struct FreeBuffer {
  void operator()(unsigned char* buffer) const { tjFree(buffer); }
};

}  // namespace

std::vector<std::uint8_t> encode_jpeg(const Frame& frame, int quality) {
  const std::unique_ptr<void, Destroy> handle(tjInitCompress());
  if (!handle) throw MediaError("libjpeg-turbo cannot be started");
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  // High quality takes full chroma resolution, as in cameras and other programs.
  constexpr int kFullChromaFrom = 90;
  const int result = tjCompress2(handle.get(), frame.pixels.data(), frame.width, 0, frame.height, TJPF_RGB,
                                 &buffer, &size, quality >= kFullChromaFrom ? TJSAMP_444 : TJSAMP_420,
                                 quality < 1 ? 1 : quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, FreeBuffer> owner(buffer);
  if (result != 0) throw MediaError(std::string("libjpeg-turbo: ") + tjGetErrorStr2(handle.get()));
  return {buffer, buffer + size};
}

}  // namespace streamdiffusion
