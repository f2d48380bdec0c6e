#include "stream/denoising_batch.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "stream/step_rows.h"

namespace streamdiffusion {

namespace {

/// Which of the old rows in flight lies nearest in noise level to `step`; step 0's rows are not in flight.
std::int64_t nearest_step(const std::vector<DenoisingStep>& steps, const DenoisingStep& step) {
  const auto nearest =
      std::min_element(steps.begin() + 1, steps.end(), [&step](const auto& a, const auto& b) {
        return std::abs(a.beta - step.beta) < std::abs(b.beta - step.beta);
      });
  return nearest - steps.begin();
}

}  // namespace

DenoisingBatch::DenoisingBatch(Device& device, std::shared_ptr<const Denoising> denoising,
                               const Tensor& noise, const Shape& latents)
    : device_(device), latents_(latents), denoising_(std::move(denoising)) {
  allocate();
  set(denoising_, noise);
}

void DenoisingBatch::allocate() {
  const Shape rows = with_rows(latents_, steps() * columns());
  fixed_noise_ = DeviceTensor(device_, rows);
  noise_ = DeviceTensor(device_, rows);
  x0_ = DeviceTensor(device_, rows);
  residual_x0_ = DeviceTensor(device_, rows);
  clear();
}

void DenoisingBatch::clear() {
  labels_.assign(static_cast<std::size_t>(steps() * columns()), {});
  fill_with_zeros(device_, x0_.view());
  fill_with_zeros(device_, residual_x0_.view());
  turn_ = 0;
  empty_ = true;
}

void DenoisingBatch::set(std::shared_ptr<const Denoising> denoising, const Tensor& noise) {
  if (rows_ && denoising->steps.size() == denoising_->steps.size()) {
    rows_->set(denoising, 0);
  } else {
    rows_ = std::make_unique<DenoisingRows>(device_, denoising, 0,
                                            static_cast<std::int64_t>(denoising->steps.size()), latents_);
  }
  const std::shared_ptr<const Denoising> old = std::exchange(denoising_, std::move(denoising));
  if (old->steps.size() != denoising_->steps.size()) {
    const DeviceTensor old_x0 = std::move(x0_);
    const DeviceTensor old_residual_x0 = std::move(residual_x0_);
    const std::vector<FrameLabel> old_labels = std::move(labels_);
    const bool was_empty = empty_;
    allocate();
    if (!was_empty) {
      keep_nearest(*old, old_x0, old_residual_x0, old_labels);
    }
  }
  repeat_each_row(device_, noise, columns(), fixed_noise_.view());
  device_.copy(fixed_noise_.view(), noise_.view());
  own_noise_.clear();
}

void DenoisingBatch::keep_nearest(const Denoising& old, const DeviceTensor& old_x0,
                                  const DeviceTensor& old_residual_x0,
                                  const std::vector<FrameLabel>& old_labels) {
  const bool had_rows_in_flight = old.steps.size() > 1;
  std::int64_t last_source = 0;
  for (std::int64_t step = steps() - 1; step >= 1; --step) {  // the oldest first: it is the one to be shown
    const std::int64_t source =
        had_rows_in_flight ? nearest_step(old.steps, denoising_->steps[static_cast<std::size_t>(step)]) : 1;
    const std::int64_t from = (source - 1) * columns();
    const std::int64_t to = (step - 1) * columns();
    device_.copy(old_x0.view().rows(from, columns()), x0_.view().rows(to, columns()));
    device_.copy(old_residual_x0.view().rows(from, columns()), residual_x0_.view().rows(to, columns()));
    for (std::int64_t column = 0; column < columns(); ++column) {
      FrameLabel& label = labels_[static_cast<std::size_t>(to + column)];
      label = old_labels[static_cast<std::size_t>(from + column)];
      label.shown = label.shown && had_rows_in_flight && source != last_source;
    }
    last_source = source;
  }
  empty_ = false;
}

void DenoisingBatch::prime(const Tensor& x0) {
  for (std::int64_t row = 0; row < x0_.view().shape.n; ++row) {
    device_.copy(x0, x0_.view().rows(row, 1));
  }
  fill_with_zeros(device_, residual_x0_.view());
  empty_ = false;
}

/// A frame takes its noise along: the row of step i has that of the input i steps ago.
void DenoisingBatch::take_noise(const Tensor& own) {
  if (own.empty()) {
    if (!own_noise_.empty()) {
      device_.copy(fixed_noise_.view(), noise_.view());
      own_noise_.clear();
    }
    return;
  }
  const auto count = static_cast<std::size_t>(steps());
  while (own_noise_.size() < count) {  // frames that were in flight before keep the fixed noise
    own_noise_.emplace_back(device_, fixed_noise_.view().shape);
    device_.copy(fixed_noise_.view(), own_noise_.back().view());
  }
  device_.copy(own, own_noise_[turn_].view());
  for (std::size_t step = 0; step < count; ++step) {
    const Tensor& source = own_noise_[(turn_ + count - step) % count].view();
    const std::int64_t row = static_cast<std::int64_t>(step) * columns();
    device_.copy(source.rows(row, columns()), noise_.view().rows(row, columns()));
  }
  turn_ = turn_ + 1 < count ? turn_ + 1 : 0;
}

Tensor DenoisingBatch::step(Context context, const DenoisingInput& input,
                            std::span<const FrameLabel> labels) {
  DenoisingRows* const rows = &begin_step(input);
  DenoisingRows::predict(context, std::span(&rows, 1));
  return end_step(labels);
}

DenoisingRows& DenoisingBatch::begin_step(const DenoisingInput& input) {
  const std::int64_t first = columns();
  const std::int64_t in_flight = (steps() - 1) * columns();
  take_noise(input.noise);
  rows_->set_input(input, noise_.view().rows(0, columns()));
  if (in_flight > 0 && empty_) {
    rows_->set_zero(first, x0_.view().rows(0, in_flight));
  } else if (in_flight > 0) {
    rows_->set_noised(first, x0_.view().rows(0, in_flight), residual_x0_.view().rows(0, in_flight),
                      noise_.view().rows(first, in_flight));
  }
  return *rows_;
}

Tensor DenoisingBatch::end_step(std::span<const FrameLabel> labels) {
  rows_->finish(x0_.view(), residual_x0_.view());
  std::shift_right(labels_.begin(), labels_.end(), columns());
  std::ranges::copy(labels, labels_.begin());
  empty_ = false;
  return x0_.view().rows((steps() - 1) * columns(), columns());
}

std::span<const FrameLabel> DenoisingBatch::finished() const {
  return std::span(labels_).last(static_cast<std::size_t>(columns()));
}

bool DenoisingBatch::in_flight() const {
  const auto finished = labels_.end() - columns();
  return std::any_of(labels_.begin(), finished, [](const FrameLabel& label) { return label.shown; });
}

}  // namespace streamdiffusion
