#include "stream/denoising_batch.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>

#include "stream/step_rows.h"

namespace streamdiffusion {

namespace {

/// Returns the index of the step in `steps`, except the first, whose noise level is nearest to that of
/// `step`. The first is excluded because its rows are never in flight.
std::int64_t nearest_step(const std::vector<DenoisingStep>& steps, const DenoisingStep& step) {
  const auto nearest =
      std::min_element(steps.begin() + 1, steps.end(), [&step](const auto& a, const auto& b) {
        return std::abs(a.beta - step.beta) < std::abs(b.beta - step.beta);
      });
  return nearest - steps.begin();
}

}  // namespace

DenoisingBatch::DenoisingBatch(Device& device, std::shared_ptr<const DenoisingPlan> denoising,
                               const Tensor& noise, const Shape& latents)
    : device_(device),
      latents_(latents),
      denoising_(std::move(denoising)),
      rows_(device, denoising_, 0, steps(), latents),
      fixed_noise_(device, with_rows(latents, steps() * columns())),
      noise_(device, fixed_noise_.view().shape),
      x0_(device, with_rows(latents, kept_rows())),
      residual_x0_(device, x0_.view().shape),
      labels_(static_cast<std::size_t>(fixed_noise_.view().shape.n)),
      next_labels_(labels_) {
  repeat_each_row(device_, noise, columns(), fixed_noise_.view());
  device_.copy(fixed_noise_.view(), noise_.view());
}

void DenoisingBatch::clear() noexcept {
  std::ranges::fill(labels_, FrameLabel());
  turn_ = 0;
  empty_ = true;
}

void DenoisingBatch::set_denoising(std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise) {
  assert(denoising->steps.size() == denoising_->steps.size());
  rows_.set_denoising(denoising, 0);
  denoising_ = std::move(denoising);
  repeat_each_row(device_, noise, columns(), fixed_noise_.view());
  device_.copy(fixed_noise_.view(), noise_.view());
}

void DenoisingBatch::forget_own_noise() noexcept { own_noise_.clear(); }

void DenoisingBatch::take_frames_of(const DenoisingBatch& other) {
  if (other.empty_) {
    return;
  }
  const bool had_rows_in_flight = other.steps() > 1;
  std::int64_t last_source = 0;
  // Goes from the oldest rows to the newest, so that of several copies of a frame the oldest is shown.
  for (std::int64_t step = steps() - 1; step >= 1; --step) {
    const std::int64_t source =
        had_rows_in_flight
            ? nearest_step(other.denoising_->steps, denoising_->steps[static_cast<std::size_t>(step)])
            : 1;
    const std::int64_t from = (source - 1) * columns();
    const std::int64_t to = (step - 1) * columns();
    const auto take = [&](const DeviceTensor& theirs, const DeviceTensor& ours) {
      device_.copy(theirs.view().rows(from, columns()), ours.view().rows(to, columns()));
    };
    take(other.x0_, x0_);
    take(other.residual_x0_, residual_x0_);
    for (std::int64_t column = 0; column < columns(); ++column) {
      FrameLabel& label = labels_[static_cast<std::size_t>(to + column)];
      label = other.labels_[static_cast<std::size_t>(from + column)];
      label.shown = label.shown && had_rows_in_flight && source != last_source;
    }
    last_source = source;
  }
  empty_ = false;
}

/// Fills the rows in flight with the x_0 of one frame, or with zeros without it.
void DenoisingBatch::fill_rows(const Tensor& first_x0) {
  if (first_x0.empty()) {
    fill_with_zeros(device_, x0_.view());
  } else {
    repeat_each_row(device_, first_x0, kept_rows(), x0_.view());
  }
  fill_with_zeros(device_, residual_x0_.view());
}

/// Sets noise_ for this step. `own` is the input's own noise, or empty. A frame keeps its noise on its way
/// through the batch: rows of step i use the noise of the input i steps ago.
void DenoisingBatch::take_noise(const Tensor& own) {
  has_own_noise_ = !own.empty();
  if (!has_own_noise_) {
    if (!own_noise_.empty()) {
      device_.copy(fixed_noise_.view(), noise_.view());
    }
    return;
  }
  const auto count = static_cast<std::size_t>(steps());
  while (own_noise_.size() < count) {  // frames already in flight keep the fixed noise
    own_noise_.emplace_back(device_, fixed_noise_.view().shape);
    device_.copy(fixed_noise_.view(), own_noise_.back().view());
  }
  device_.copy(own, own_noise_[turn_].view());  // replaces the noise of a finished frame
  for (std::size_t step = 0; step < count; ++step) {
    const Tensor& source = own_noise_[(turn_ + count - step) % count].view();
    const std::int64_t row = static_cast<std::int64_t>(step) * columns();
    device_.copy(source.rows(row, columns()), noise_.view().rows(row, columns()));
  }
}

Tensor DenoisingBatch::step(Context context, const DenoisingInput& input,
                            std::span<const FrameLabel> labels) {
  begin_step(input).denoise(context);
  const Tensor x0 = end_step(labels);
  commit();
  return x0;
}

DenoisingRows& DenoisingBatch::begin_step(const DenoisingInput& input, const Tensor& first_x0) {
  take_noise(input.noise);
  const Tensor noise = noise_.view().rows(0, columns());
  const RowInput newest{.start = input.is_noise ? RowStart::noise : RowStart::image,
                        .x0 = input.latents,
                        .residual_x0 = noise,
                        .noise = noise};
  const std::int64_t in_flight = rows_in_flight();
  if (in_flight == 0) {
    rows_.set_inputs({newest});
    return rows_;
  }
  if (empty_) {
    fill_rows(first_x0);
  }
  rows_.set_inputs({newest,
                    {.start = empty_ && first_x0.empty() ? RowStart::zero : RowStart::prediction,
                     .x0 = x0_.view(),
                     .residual_x0 = residual_x0_.view(),
                     .noise = noise_.view().rows(columns(), in_flight)}});
  return rows_;
}

Tensor DenoisingBatch::end_step(std::span<const FrameLabel> labels) {
  std::ranges::copy(labels, next_labels_.begin());
  std::copy(labels_.begin(), labels_.end() - columns(), next_labels_.begin() + columns());
  return rows_.x0().rows((steps() - 1) * columns(), columns());
}

void DenoisingBatch::commit() {
  device_.copy(rows_.x0().rows(0, kept_rows()), x0_.view());
  device_.copy(rows_.residual_x0().rows(0, kept_rows()), residual_x0_.view());
  std::ranges::copy(next_labels_, labels_.begin());
  if (!has_own_noise_) {
    own_noise_.clear();
  } else {
    turn_ = (turn_ + 1) % own_noise_.size();
  }
  empty_ = false;
}

std::span<const FrameLabel> DenoisingBatch::finished() const {
  return std::span(next_labels_).last(static_cast<std::size_t>(columns()));
}

bool DenoisingBatch::in_flight() const {
  const auto finished = labels_.end() - columns();
  return std::any_of(labels_.begin(), finished, [](const FrameLabel& label) { return label.shown; });
}

}  // namespace streamdiffusion
