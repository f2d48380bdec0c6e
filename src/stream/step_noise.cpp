#include "stream/step_noise.h"

#include <cstddef>

namespace streamdiffusion {

void upload_nchw(Context& context, const std::vector<float>& values, std::vector<float>& scratch,
                 const Tensor& out) {
  const auto pixels = static_cast<std::size_t>(out.shape.h * out.shape.w);
  const auto channels = static_cast<std::size_t>(out.shape.c);
  scratch.resize(values.size());
  for (std::size_t row = 0; row < static_cast<std::size_t>(out.shape.n); ++row) {
    const std::size_t start = row * channels * pixels;
    for (std::size_t channel = 0; channel < channels; ++channel) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        scratch[start + pixel * channels + channel] = values[start + channel * pixels + pixel];
      }
    }
  }
  upload_floats(context, scratch, out);
}

StepNoise::StepNoise(Context context, std::uint64_t seed, std::int64_t steps, const Shape& latents)
    : generator_(seed), fixed_(context.device, {steps, latents.h, latents.w, latents.c}) {
  // The largest draw comes first, so that later ones allocate nothing. One draw for all steps, as in the
  // original.
  draw_rows(context, fixed_.view());
}

void StepNoise::draw(Context context, const Tensor& latents, const Tensor& noise) {
  const std::int64_t columns = latents.shape.n;
  for (std::int64_t column = 0; column < columns; ++column) {
    draw_rows(context, latents.rows(column, 1));
    context.device.copy(latents.rows(column, 1), noise.rows(column, 1));
    for (std::int64_t row = columns + column; row < noise.shape.n; row += columns) {
      draw_rows(context, noise.rows(row, 1));
    }
  }
}

void StepNoise::draw_rows(Context& context, const Tensor& out) {
  drawn_.resize(static_cast<std::size_t>(out.shape.elements()));
  generator_.randn(drawn_);
  upload_nchw(context, drawn_, reordered_, out);
}

}  // namespace streamdiffusion
