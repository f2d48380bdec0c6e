#include "stream/sequential_denoiser.h"

#include <cstdint>
#include <utility>

#include "stream/step_rows.h"

namespace streamdiffusion {

SequentialDenoiser::SequentialDenoiser(Device& device, std::shared_ptr<const DenoisingPlan> denoising,
                                       const Tensor& noise, const Shape& latents)
    : device_(device),
      denoising_(std::move(denoising)),
      rows_(device, denoising_, 0, 1, latents),
      x0_(device, latents),
      residual_x0_(device, latents) {
  set_denoising(denoising_, noise);
}

void SequentialDenoiser::set_denoising(std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise) {
  rows_.set_denoising(denoising, 0);
  const Shape& latents = x0_.view().shape;
  const Shape rows = with_rows(latents, static_cast<std::int64_t>(denoising->steps.size()) * latents.n);
  if (noise_.view().empty() || noise_.view().shape != rows) {
    noise_ = DeviceTensor(device_, rows);
  }
  repeat_each_row(device_, noise, latents.n, noise_.view());
  denoising_ = std::move(denoising);
}

Tensor SequentialDenoiser::run(Context context, const DenoisingInput& input,
                               const std::function<void(int)>& before_step) {
  const Tensor& noise = input.noise.empty() ? noise_.view() : input.noise;
  const Tensor& x0 = x0_.view();
  const Tensor& residual_x0 = residual_x0_.view();
  const std::int64_t columns = x0.shape.n;
  for (std::int64_t step = 0; step < std::ssize(denoising_->steps); ++step) {
    before_step(static_cast<int>(step));
    rows_.set_denoising(denoising_, step);
    const Tensor step_noise = noise.rows(step * columns, columns);
    if (step == 0) {
      rows_.set_input(input, step_noise);
    } else {
      rows_.set_noised(0, x0, residual_x0, step_noise);
    }
    rows_.denoise(context, x0, residual_x0);
  }
  return x0;
}

}  // namespace streamdiffusion
