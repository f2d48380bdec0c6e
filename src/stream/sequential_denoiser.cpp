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
      step_noise_(device, latents) {
  set_denoising(denoising_, noise);
}

void SequentialDenoiser::set_denoising(std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise) {
  rows_.set_denoising(denoising, 0);
  const Shape& latents = step_noise_.view().shape;
  const Shape rows = with_rows(latents, static_cast<std::int64_t>(denoising->steps.size()) * latents.n);
  if (noise_.view().empty() || noise_.view().shape != rows) {
    noise_ = DeviceTensor(device_, rows);
  }
  repeat_each_row(device_, noise, latents.n, noise_.view());
  denoising_ = std::move(denoising);
}

Tensor SequentialDenoiser::run(Context context, const DenoisingInput& input,
                               const std::function<void(int)>& before_step) {
  const Tensor& all_noise = input.noise.empty() ? noise_.view() : input.noise;
  const Tensor& noise = step_noise_.view();
  const std::int64_t columns = noise.shape.n;
  for (std::int64_t step = 0; step < std::ssize(denoising_->steps); ++step) {
    before_step(static_cast<int>(step));
    rows_.set_denoising(denoising_, step);
    device_.copy(all_noise.rows(step * columns, columns), noise);
    RowStart start = RowStart::prediction;
    if (step == 0) {
      start = input.is_noise ? RowStart::noise : RowStart::image;
      device_.copy(input.latents, rows_.x0());
      device_.copy(noise, rows_.residual_x0());  // finite values, which this start does not use
    }
    rows_.set_inputs({{start, rows_.x0(), rows_.residual_x0(), noise}});
    rows_.denoise(context);
  }
  return rows_.x0();
}

}  // namespace streamdiffusion
