#include "device/cuda/conv_geometry.h"

#include "core/round_up.h"

namespace streamdiffusion::cuda {

ConvGeometry conv_geometry(const Shape& x, std::int64_t kernel, Resample resample, std::int64_t padding,
                           const Shape& out) {
  ConvGeometry geometry;
  geometry.step = resample == Resample::down ? 2 : 1;
  geometry.upsampling = resample == Resample::up ? 2 : 1;
  geometry.image_h = resample == Resample::up ? out.h : x.h;
  geometry.image_w = resample == Resample::up ? out.w : x.w;
  geometry.out = {out.n, out.h, out.w, round_up(out.c, kChannelMultiple)};
  geometry.in = {x.n, x.h, x.w, round_up(x.c, kChannelMultiple)};
  const auto outputs = [&](std::int64_t in) { return (in + 2 * padding - kernel) / geometry.step + 1; };
  const bool as_it_is =
      geometry.upsampling == 1 && x.c == geometry.in.c && outputs(x.h) == out.h && outputs(x.w) == out.w;
  if (as_it_is) {
    geometry.padding = padding;
    return geometry;
  }
  // The gathered input covers all receptive fields, padding included.
  geometry.gather = true;
  geometry.gathered_padding = padding;
  geometry.in.h = (out.h - 1) * geometry.step + kernel;
  geometry.in.w = (out.w - 1) * geometry.step + kernel;
  return geometry;
}

}  // namespace streamdiffusion::cuda
