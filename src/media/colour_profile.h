#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "media/byte_view.h"

namespace streamdiffusion {

/// Bytes of the largest ICC profile that is applied. The largest in use, those of printers, have up to 3 MiB.
inline constexpr std::size_t kMostProfileBytes = std::size_t{4} << 20;

/// Converts pixels from the colours of an image to sRGB. Immutable, so that threads may share it.
class ColourTransform {
 public:
  ColourTransform() = default;
  virtual ~ColourTransform() = default;
  ColourTransform(const ColourTransform&) = delete;
  ColourTransform& operator=(const ColourTransform&) = delete;

  /// Converts `count` pixels in place. Colours that sRGB does not have are clipped to the nearest values of
  /// red, green and blue; alpha is kept.
  virtual void apply(std::uint8_t* pixels, std::size_t count) const = 0;
};

/// The pixels that a transform converts: 8 bits for each of red, green and blue.
struct PixelLayout {
  bool has_alpha = false;  ///< True if a byte of alpha, not premultiplied, follows blue.
  bool is_grey = false;    ///< True if red, green and blue of every pixel are equal.
  bool operator==(const PixelLayout&) const = default;
};

/// CIE 1931 chromaticities of a colour space.
struct Chromaticities {
  struct Point {
    double x;
    double y;
  };
  Point red;
  Point green;
  Point blue;
  Point white;
};

/// Returns the transform from the colours of an ICC profile, which are untrusted bytes. Returns nullptr if
/// the transform would change no value by more than 2, as for profiles of sRGB. Throws Error if the profile
/// is damaged, too large or for another kind of pixels. The message continues the image's name ("has a
/// damaged colour profile").
std::unique_ptr<const ColourTransform> transform_from_profile(Bytes profile, PixelLayout layout);

/// Returns the transform from colours with these primaries and sRGB's transfer function; white becomes white.
std::unique_ptr<const ColourTransform> transform_from_primaries(const Chromaticities& primaries,
                                                                PixelLayout layout);

}  // namespace streamdiffusion
