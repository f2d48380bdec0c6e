#include "media/wide_colours.h"

namespace streamdiffusion {

std::string describe_wide_colours(const AVFrame& picture) {
  const bool is_hdr = picture.color_trc == AVCOL_TRC_SMPTE2084 || picture.color_trc == AVCOL_TRC_ARIB_STD_B67;
  if (is_hdr) {
    return std::string("is HDR (") + av_color_transfer_name(picture.color_trc) +
           "), which is read as if it were SDR: its colours look dull; convert it to SDR first, for example "
           "with FFmpeg's filters zscale and tonemap";
  }
  const bool is_wide = picture.color_primaries == AVCOL_PRI_BT2020 ||
                       picture.color_primaries == AVCOL_PRI_SMPTE431 ||
                       picture.color_primaries == AVCOL_PRI_SMPTE432;
  if (is_wide) {
    return std::string("has the wide gamut of ") + av_color_primaries_name(picture.color_primaries) +
           ", which is read as if it were sRGB's: its colours look less vivid; convert it first, for example "
           "with FFmpeg's filter zscale";
  }
  return {};
}

}  // namespace streamdiffusion
