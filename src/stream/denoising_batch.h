#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "device/device_tensor.h"
#include "stream/denoising_rows.h"

namespace streamdiffusion {

/// The frame that a row of the batch belongs to.
struct FrameLabel {
  std::int64_t number = 0;
  std::chrono::microseconds time{0};
  bool shown = false;  ///< False if the row only fills the batch, so that its result is discarded.
};

/// The paper's Stream Batch: frames at all denoising steps share one UNet call. Each step takes in the newest
/// frames and finishes the oldest.
///
/// Between two steps the batch keeps each row's predicted x_0, not x_t. Noise is added at the next step, so a
/// changed schedule or noise takes effect on rows in flight.
class DenoisingBatch {
 public:
  /// `latents` is the shape of the frames that go in together. `noise` is the fixed noise, one row for each
  /// step.
  DenoisingBatch(Device& device, std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise,
                 const Shape& latents);

  /// Changes the denoising and the fixed noise from the next step on. The number of steps must stay the same.
  void set_denoising(std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise);
  /// Makes all rows use the fixed noise from the next step on.
  void forget_own_noise() noexcept;
  /// Copies the frames in flight of a batch with another number of steps. Each row takes the frame whose
  /// noise level is nearest to its own. A frame that several rows take is shown once; one that no row takes
  /// is lost.
  void take_frames_of(const DenoisingBatch& other);
  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(denoising_->steps.size()); }

  [[nodiscard]] bool empty() const { return empty_; }
  /// Discards all frames in flight.
  void clear() noexcept;

  /// Runs one step. `labels` has one label for each frame of `input`. Returns the x_0 of the finished frames,
  /// valid until the next call.
  Tensor step(Context context, const DenoisingInput& input, std::span<const FrameLabel> labels);
  /// Begins a step, and returns the rows for DenoisingRows::denoise. A step consists of `begin_step`,
  /// DenoisingRows::denoise, `end_step` and `commit`; a failure before `commit` leaves the frames in flight
  /// unchanged. If the batch is empty, the rows in flight start from `first_x0`, the x_0 of one frame, or
  /// from zeros without it. Their results are not shown. `input` must live until DenoisingRows::denoise.
  DenoisingRows& begin_step(const DenoisingInput& input, const Tensor& first_x0 = {});
  /// Returns the x_0 of the finished frames, valid until the next call. `labels` has one label for each frame
  /// of the input.
  Tensor end_step(std::span<const FrameLabel> labels);
  /// Makes the step's results the batch's state. Allocates nothing.
  void commit();
  /// Labels of the frames that the last `end_step` finished.
  [[nodiscard]] std::span<const FrameLabel> finished() const;

  /// True if a frame in flight will be shown.
  [[nodiscard]] bool in_flight() const;

 private:
  [[nodiscard]] std::int64_t columns() const { return latents_.n; }
  /// The number of rows in flight between two steps: all but those of the last denoising step.
  [[nodiscard]] std::int64_t rows_in_flight() const { return (steps() - 1) * columns(); }
  /// The number of rows whose predictions are kept: those in flight, or with one step those that finished,
  /// from which the rows of a batch with more steps start.
  [[nodiscard]] std::int64_t kept_rows() const { return std::max(rows_in_flight(), columns()); }
  void take_noise(const Tensor& own);
  void fill_rows(const Tensor& first_x0);

  Device& device_;
  Shape latents_;
  std::shared_ptr<const DenoisingPlan> denoising_;
  DenoisingRows rows_;
  DeviceTensor fixed_noise_;             // fixed noise of each row of the batch
  DeviceTensor noise_;                   // noise of each row in this step
  std::vector<DeviceTensor> own_noise_;  // ring of the last inputs' own noise, one for each step, or empty
  bool has_own_noise_ = false;           // the current step's input has its own noise
  std::size_t turn_ = 0;                 // index in own_noise_ for the next input
  // The predictions of the kept rows, ordered by denoising step. A device repeats recorded steps only if they
  // keep their address, so `commit` copies the new predictions here.
  DeviceTensor x0_;
  DeviceTensor residual_x0_;
  std::vector<FrameLabel> labels_;       // of all rows after the last step
  std::vector<FrameLabel> next_labels_;  // becomes labels_ by `commit`
  bool empty_ = true;
};

}  // namespace streamdiffusion
