#include "media/png_colours.h"

namespace streamdiffusion {

void tag_colours_of_png(Bytes file, AVFrame& image) {
  constexpr std::size_t kHead = 8;  // length and type
  constexpr std::size_t kChecksum = 4;
  if (!starts_with(file, "\x89PNG\r\n\x1A\n")) return;
  Bytes bytes = skip_bytes(file, 8);
  while (bytes.size() >= kHead + kChecksum && !starts_with(skip_bytes(bytes, 4), "IDAT")) {
    const std::size_t length = big_endian(bytes, 4);
    const Bytes content = skip_bytes(bytes, kHead);
    if (starts_with(skip_bytes(bytes, 4), "cICP") && length == 4 && content.size() >= length) {
      if (content[0] >= AVCOL_PRI_NB || content[1] >= AVCOL_TRC_NB) return;
      image.color_primaries = static_cast<AVColorPrimaries>(content[0]);
      image.color_trc = static_cast<AVColorTransferCharacteristic>(content[1]);
      return;
    }
    bytes = skip_bytes(content, length + kChecksum);
  }
}

}  // namespace streamdiffusion
