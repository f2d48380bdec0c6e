#include "stream/step_noise.h"

#include <cstddef>
#include <span>

#include "stream/nchw.h"

namespace streamdiffusion {

StepNoise::StepNoise(Context context, const std::vector<WeightedSeed>& seeds, std::int64_t steps,
                     const Shape& latents)
    : blender_(Blend::slerp, static_cast<std::size_t>(latents.h * latents.w * latents.c)),
      fixed_(context.device, {steps, latents.h, latents.w, latents.c}) {
  std::vector<float> weights;
  for (const WeightedSeed& seed : seeds) {
    sources_.push_back({RandomGenerator(seed.seed), seed.weight});
    weights.push_back(seed.weight);
  }
  check_weights(weights, "seeds");
  // One draw covers all steps, as in the original StreamDiffusion. It is the largest, so later draws allocate
  // nothing.
  draw_rows(context, sources_, fixed_.view());
  fixed_values_ = blender_.values();
}

void StepNoise::draw(Context context, const Tensor& latents, const Tensor& noise) {
  const std::int64_t columns = latents.shape.n;
  drawn_from_ = sources_;
  for (std::int64_t column = 0; column < columns; ++column) {
    draw_rows(context, drawn_from_, latents.rows(column, 1));
    context.device.copy(latents.rows(column, 1), noise.rows(column, 1));
    for (std::int64_t row = columns + column; row < noise.shape.n; row += columns) {
      draw_rows(context, drawn_from_, noise.rows(row, 1));
    }
  }
}

void StepNoise::draw_rows(Context& context, std::span<Source> sources, const Tensor& out) {
  drawn_.resize(static_cast<std::size_t>(out.shape.elements()));
  blender_.clear();
  for (Source& source : sources) {
    source.generator.randn(drawn_);
    blender_.add(drawn_, source.weight);
  }
  upload_nchw(context.device, blender_.values(), reordered_, out);
}

}  // namespace streamdiffusion
