#pragma once

#include <memory>
#include <string>
#include <vector>

#include "media/colour_profile.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Converts images to sRGB from the colours that they are tagged with: by an embedded ICC profile, or by the
/// primaries of Display P3, DCI-P3 or BT.2020. The transform is kept for further images with the same tags;
/// images with neither cost nothing.
class SrgbConverter {
 public:
  /// Prepares for a decoded image, whose pixels `apply` gets in this layout. An image without a profile keeps
  /// that of the image before, because FFmpeg's decoder of animated PNGs puts it on the first one alone.
  void prepare(const AVFrame& image, PixelLayout layout);

  /// Converts the pixels of the prepared image in place.
  void apply(AVFrame& rgb) const;

  /// Says why the image's colours are not those that it is tagged with, as the rest of a sentence about it.
  /// Empty if they are.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Tags {
    AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
    AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
    PixelLayout layout = {};
    bool operator==(const Tags&) const = default;
  };
  [[nodiscard]] std::unique_ptr<const ColourTransform> make_transform() const;

  Tags tags_;
  std::vector<std::uint8_t> profile_;
  std::unique_ptr<const ColourTransform> transform_;  ///< nullptr if pixels stay as they are.
  std::string problem_;
};

}  // namespace streamdiffusion
