#include "media/srgb_converter.h"

#include <algorithm>
#include <optional>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

Bytes profile_of(const AVFrame& image) {
  const AVFrameSideData* data = av_frame_get_side_data(&image, AV_FRAME_DATA_ICC_PROFILE);
  return data != nullptr ? Bytes(data->data, data->size) : Bytes();
}

bool is_hdr(AVColorTransferCharacteristic transfer) {
  return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

/// Returns primaries that are clearly wider than sRGB's; nothing for others, which are near enough to be
/// taken for sRGB's.
std::optional<Chromaticities> wide_primaries(AVColorPrimaries primaries) {
  constexpr Chromaticities::Point kD65 = {0.3127, 0.3290};
  constexpr Chromaticities::Point kDciWhite = {0.314, 0.351};
  switch (primaries) {
    case AVCOL_PRI_BT2020:
      return Chromaticities{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, kD65};
    case AVCOL_PRI_SMPTE431:
      return Chromaticities{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, kDciWhite};
    case AVCOL_PRI_SMPTE432:
      return Chromaticities{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, kD65};
    default:
      return std::nullopt;
  }
}

}  // namespace

void SrgbConverter::prepare(const AVFrame& image, PixelLayout layout) {
  const Tags tags{.primaries = image.color_primaries, .transfer = image.color_trc, .layout = layout};
  const Bytes profile = profile_of(image);
  const bool same_profile = profile.empty() || std::ranges::equal(profile, profile_);
  if (same_profile && tags == tags_) return;
  tags_ = tags;
  if (!same_profile) profile_.assign(profile.begin(), profile.end());
  transform_.reset();
  problem_.clear();
  if (is_hdr(tags.transfer)) {
    problem_ = std::string("is HDR (") + av_color_transfer_name(tags.transfer) +
               "), which is read as if it were SDR: its colours look dull; convert it to SDR first, for "
               "example with FFmpeg's filters zscale and tonemap";
    return;
  }
  try {
    transform_ = make_transform();
  } catch (const Error& error) {
    problem_ = std::string(error.what()) + ", which is not applied: its colours are read as sRGB";
  }
}

std::unique_ptr<const ColourTransform> SrgbConverter::make_transform() const {
  if (!profile_.empty()) return transform_from_profile(profile_, tags_.layout);
  // All transfer functions of SDR are taken for sRGB's, with wide primaries as with others.
  const std::optional<Chromaticities> primaries = wide_primaries(tags_.primaries);
  return primaries ? transform_from_primaries(*primaries, tags_.layout) : nullptr;
}

void SrgbConverter::apply(AVFrame& rgb) const {
  if (!transform_) return;
  for (int y = 0; y < rgb.height; ++y) {
    transform_->apply(rgb.data[0] + std::ptrdiff_t{rgb.linesize[0]} * y, static_cast<std::size_t>(rgb.width));
  }
}

}  // namespace streamdiffusion
