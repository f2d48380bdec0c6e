#include "media/png_colours.h"

#include <optional>

#include "media/png_chunk.h"

namespace streamdiffusion {

void tag_colours_of_png(Bytes file, AVFrame& image) {
  if (!starts_with(file, kPngSignature)) return;
  Bytes rest = skip_bytes(file, kPngSignature.size());
  while (const std::optional<PngChunk> chunk = take_png_chunk(rest)) {
    if (chunk->has_type("IDAT")) return;
    const Bytes content = chunk->content();
    if (chunk->has_type("cICP") && content.size() == 4) {
      if (content[0] >= AVCOL_PRI_NB || content[1] >= AVCOL_TRC_NB) return;
      image.color_primaries = static_cast<AVColorPrimaries>(content[0]);
      image.color_trc = static_cast<AVColorTransferCharacteristic>(content[1]);
      return;
    }
  }
}

}  // namespace streamdiffusion
