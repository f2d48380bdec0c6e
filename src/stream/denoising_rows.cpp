#include "stream/denoising_rows.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>

#include "stream/step_rows.h"

namespace streamdiffusion {

namespace {

std::int64_t count_negative_rows(const DenoisingPlan& denoising, std::int64_t first_step, std::int64_t rows,
                                 std::int64_t columns) {
  switch (denoising.cfg_type) {
    case CfgType::full:
      return rows;
    case CfgType::initialize:
      return first_step == 0 ? columns : 0;
    case CfgType::none:
    case CfgType::self:
      break;
  }
  return 0;
}

/// Returns the factors of `count` rows from `first` on.
std::span<const float> factors_of_rows(const std::vector<float>& values, std::int64_t first,
                                       std::int64_t count) {
  return std::span(values).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

DenoisingRows::DenoisingRows(Device& device, std::shared_ptr<const DenoisingPlan> denoising,
                             std::int64_t first_step, std::int64_t step_count, const Shape& latents)
    : device_(device),
      columns_(latents.n),
      rows_(step_count * latents.n),
      time_(device, {2 * rows_, 1, 1, denoising->time->view().shape.c}),
      sample_(device, with_rows(latents, 2 * rows_)),
      prediction_(device, with_rows(latents, 2 * rows_)),
      residual_noise_(device, with_rows(latents, rows_)),
      x0_(device, with_rows(latents, rows_)),
      residual_x0_(device, with_rows(latents, rows_)) {
  set_denoising(std::move(denoising), first_step);
}

void DenoisingRows::set_denoising(std::shared_ptr<const DenoisingPlan> denoising, std::int64_t first_step) {
  prompt_.set(device_, denoising->prompt);
  if (denoising->negative_prompt) {
    negative_prompt_.set(device_, denoising->negative_prompt);
  }
  denoising_ = std::move(denoising);
  negative_rows_ = count_negative_rows(*denoising_, first_step, rows_, columns_);
  row_steps_.clear();
  text_.clear();
  attention_.clear();
  for (std::int64_t row = 0; row < rows_; ++row) {
    add_row(first_step + row / columns_, prompt_, {0, rows_});
  }
  for (std::int64_t row = 0; row < negative_rows_; ++row) {
    const bool full = denoising_->cfg_type == CfgType::full;
    add_row(first_step + row / columns_, negative_prompt_,
            full ? RowRange{rows_, negative_rows_} : RowRange{rows_ + row, 1});
  }
  if (!denoising_->cross_frame_attention) {
    attention_.clear();
  }
  for (std::int64_t row = 0; row < all_rows(); ++row) {
    device_.copy(denoising_->time->view().rows(row_steps_[static_cast<std::size_t>(row)], 1),
                 time_.view().rows(row, 1));
  }
  compute_coefficients();
}

void DenoisingRows::add_row(std::int64_t step, const TextContextSlot& text, RowRange attention) {
  row_steps_.push_back(step);
  text_.push_back(text.text());
  attention_.push_back(attention);
}

void DenoisingRows::compute_coefficients() {
  const DenoisingPlan& d = *denoising_;
  Coefficients& c = coefficients_;
  for (std::vector<float>* const values :
       {&c.alpha, &c.beta, &c.added_noise, &c.residual_ratio, &c.x0_of_sample, &c.x0_of_prediction,
        &c.residual_x0_of_residual, &c.residual_x0_of_noise, &c.guided_text, &c.guided_negative, &c.zero,
        &c.one}) {
    values->clear();
  }
  for (const std::int64_t index : row_steps_) {
    const DenoisingStep& step = d.steps[static_cast<std::size_t>(index)];
    c.alpha.push_back(step.alpha);
    c.beta.push_back(step.beta);
    c.added_noise.push_back(d.do_add_noise ? step.beta : 0.0F);
    c.residual_ratio.push_back(step.alpha / step.beta);
    // x_0 = c_skip * x_t + c_out * (x_t - beta * noise) / alpha. For the residual, x_t is beta * residual
    // noise. In a step without signal (alpha 0), x_t is all noise, so the difference is taken as 0.
    const float inverse_alpha = step.alpha > 0 ? 1 / step.alpha : 0.0F;
    const float of_sample = step.c_skip + step.c_out * inverse_alpha;
    const float of_noise = -step.c_out * step.beta * inverse_alpha;
    c.residual_x0_of_residual.push_back(of_sample * step.beta);
    c.residual_x0_of_noise.push_back(of_noise);
    // From v, the quotient is alpha * x_t - beta * v, without a division.
    c.x0_of_sample.push_back(guides_v() ? step.c_skip + step.c_out * step.alpha : of_sample);
    c.x0_of_prediction.push_back(guides_v() ? -step.c_out * step.beta : of_noise);
    c.guided_text.push_back(d.guidance_scale);
    c.guided_negative.push_back((1.0F - d.guidance_scale) * (d.cfg_type == CfgType::full ? 1.0F : d.delta));
    c.zero.push_back(0.0F);
    c.one.push_back(1.0F);
  }
}

void DenoisingRows::set_inputs(std::initializer_list<RowInput> inputs) {
  inputs_.assign(inputs.begin(), inputs.end());
}

void DenoisingRows::denoise(Context& context) {
  DenoisingRows* const alone = this;
  denoise(context, std::span(&alone, 1));
}

void DenoisingRows::denoise(Context& context, std::span<DenoisingRows* const> together) {
  const auto operations = [&] {
    std::ranges::for_each(together, &DenoisingRows::noise_inputs);
    predict(context, together);
    std::ranges::for_each(together, &DenoisingRows::finish);
  };
  context.device.sequence(std::ref(operations));
}

/// Computes x_t and the residual noise of all rows.
void DenoisingRows::noise_inputs() {
  std::int64_t first_row = 0;
  for (const RowInput& input : inputs_) {
    noise_rows(first_row, input);
    first_row += input.x0.shape.n;
  }
  if (negative_rows_ > 0) {
    device_.copy(sample_.view().rows(0, negative_rows_), sample_.view().rows(rows_, negative_rows_));
  }
}

void DenoisingRows::noise_rows(std::int64_t first_row, const RowInput& input) {
  const NoisingFactors factors = noising_factors(input.start);
  const std::int64_t count = input.x0.shape.n;
  device_.combine(input.x0, factors_of_rows(factors.x0, first_row, count), input.noise,
                  factors_of_rows(factors.noise, first_row, count), sample_.view().rows(first_row, count));
  device_.combine(input.noise, factors_of_rows(factors.residual_from_noise, first_row, count),
                  input.residual_x0, factors_of_rows(factors.residual_from_x0, first_row, count),
                  residual_noise_.view().rows(first_row, count));
}

DenoisingRows::NoisingFactors DenoisingRows::noising_factors(RowStart start) const {
  const Coefficients& c = coefficients_;
  switch (start) {
    case RowStart::image:
      return {c.alpha, c.beta, c.one, c.zero};
    case RowStart::noise:
      return {c.one, c.zero, c.one, c.zero};
    case RowStart::prediction:
      return {c.alpha, c.added_noise, c.one, c.residual_ratio};
    case RowStart::zero:
      break;
  }
  return {c.zero, c.zero, c.zero, c.zero};
}

bool DenoisingRows::can_share_call_with(const DenoisingRows& other) const {
  return denoising_->weights == other.denoising_->weights &&
         with_rows(sample_.view().shape, 1) == with_rows(other.sample_.view().shape, 1);
}

void DenoisingRows::predict(Context& context, std::span<DenoisingRows* const> together) {
  if (together.size() > 1) {
    predict_gathered(context, together);
    return;
  }
  const DenoisingRows& rows = *together.front();
  rows.denoising_->weights->unet().forward(
      context, rows.sample(), {.time = rows.time(), .text = rows.text_, .self_attention = rows.attention_},
      rows.prediction());
}

void DenoisingRows::predict_gathered(Context& context, std::span<DenoisingRows* const> together) {
  std::int64_t count = 0;
  std::vector<const TextContext*> text;
  std::vector<RowRange> attention;
  for (const DenoisingRows* const rows : together) {
    text.insert(text.end(), rows->text_.begin(), rows->text_.end());
    for (std::int64_t row = 0; row < rows->all_rows(); ++row) {
      const RowRange seen =
          rows->attention_.empty() ? RowRange{row, 1} : rows->attention_[static_cast<std::size_t>(row)];
      attention.push_back({count + seen.first, seen.count});
    }
    count += rows->all_rows();
  }
  const bool across_rows =
      std::ranges::any_of(together, [](const auto* rows) { return !rows->attention_.empty(); });
  if (!across_rows) {
    attention.clear();
  }

  const DenoisingRows& first = *together.front();
  const Arena::Scope scope(context.arena);
  const Tensor sample = context.arena.allocate_precise(with_rows(first.sample_.view().shape, count));
  const Tensor time = context.arena.allocate_precise(with_rows(first.time_.view().shape, count));
  const Tensor prediction = context.arena.allocate_precise(sample.shape);
  std::int64_t row = 0;
  for (const DenoisingRows* const rows : together) {
    const std::int64_t own = rows->all_rows();
    context.device.copy(rows->sample(), sample.rows(row, own));
    context.device.copy(rows->time(), time.rows(row, own));
    row += own;
  }
  first.denoising_->weights->unet().forward(
      context, sample, {.time = time, .text = text, .self_attention = attention}, prediction);
  row = 0;
  for (const DenoisingRows* const rows : together) {
    const std::int64_t own = rows->all_rows();
    context.device.copy(prediction.rows(row, own), rows->prediction());
    row += own;
  }
}

/// Applies guidance to the UNet's predictions, and computes x_0 and residual x_0.
void DenoisingRows::finish() {
  const Coefficients& c = coefficients_;
  if (denoising_->v_prediction && !guides_v()) {
    turn_into_noise(all_rows());
  }
  guide();
  const Tensor prediction = prediction_.view().rows(0, rows_);
  device_.combine(sample_.view().rows(0, rows_), factors_of_rows(c.x0_of_sample, 0, rows_), prediction,
                  factors_of_rows(c.x0_of_prediction, 0, rows_), x0());
  if (guides_v()) {
    turn_into_noise(rows_);
  }
  device_.combine(residual_noise_.view(), factors_of_rows(c.residual_x0_of_residual, 0, rows_), prediction,
                  factors_of_rows(c.residual_x0_of_noise, 0, rows_), residual_x0());
}

/// True if guidance combines predictions of v directly, without converting them to noise. `full` gives the
/// same result for v as for noise, because its two weights sum to 1.
bool DenoisingRows::guides_v() const {
  return denoising_->v_prediction && !guides_by_residual_noise(denoising_->cfg_type);
}

/// Converts predictions of v to predictions of noise: alpha * v + beta * x_t.
void DenoisingRows::turn_into_noise(std::int64_t rows) {
  const Tensor prediction = prediction_.view().rows(0, rows);
  device_.combine(prediction, factors_of_rows(coefficients_.alpha, 0, rows), sample_.view().rows(0, rows),
                  factors_of_rows(coefficients_.beta, 0, rows), prediction);
}

void DenoisingRows::guide() {
  const Tensor text = prediction_.view().rows(0, rows_);
  const Tensor negative = prediction_.view().rows(rows_, negative_rows_);
  Tensor instead = residual_noise_.view();
  switch (denoising_->cfg_type) {
    case CfgType::none:
      return;
    case CfgType::full:
      instead = negative;
      break;
    case CfgType::initialize:
      if (negative_rows_ > 0) {
        device_.copy(negative, residual_noise_.view().rows(0, negative_rows_));
      }
      break;
    case CfgType::self:
      break;
  }
  device_.combine(text, factors_of_rows(coefficients_.guided_text, 0, rows_), instead,
                  factors_of_rows(coefficients_.guided_negative, 0, rows_), text);
}

}  // namespace streamdiffusion
