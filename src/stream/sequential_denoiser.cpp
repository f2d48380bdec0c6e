#include "stream/sequential_denoiser.h"

#include <cstddef>

#include "stream/step_rows.h"

namespace streamdiffusion {

SequentialDenoiser::SequentialDenoiser(Device& device, const std::shared_ptr<const Denoising>& denoising,
                                       const Tensor& noise, const Shape& latents)
    : x0_(device, latents), residual_x0_(device, latents) {
  const auto steps = static_cast<std::int64_t>(denoising->steps.size());
  for (std::int64_t step = 0; step < steps; ++step) {
    steps_.push_back(std::make_unique<DenoisingRows>(device, denoising, step, 1, latents));
  }
  noise_ = DeviceTensor(device, with_rows(latents, steps * latents.n));
  repeat_each_row(device, noise, latents.n, noise_.view());
}

Tensor SequentialDenoiser::run(Context context, const DenoisingInput& input) {
  const Tensor& noise = input.noise.empty() ? noise_.view() : input.noise;
  const Tensor& x0 = x0_.view();
  const Tensor& residual_x0 = residual_x0_.view();
  const std::int64_t columns = x0.shape.n;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Tensor step_noise = noise.rows(static_cast<std::int64_t>(i) * columns, columns);
    if (i == 0) {
      steps_[i]->set_input(input, step_noise);
    } else {
      steps_[i]->set_noised(0, x0, residual_x0, step_noise);
    }
    steps_[i]->denoise(context, x0, residual_x0);
  }
  return x0;
}

}  // namespace streamdiffusion
