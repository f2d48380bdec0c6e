#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "device/device_tensor.h"
#include "stream/denoising_rows.h"

namespace streamdiffusion {

/// Which frame a row shows.
struct FrameLabel {
  std::int64_t number = 0;
  std::chrono::microseconds time{0};
  bool shown = false;  ///< false: the row only fills the batch, what it becomes is shown to nobody
};

/// Stream Batch: frames at all denoising steps go through one UNet call. A step takes in the newest frames
/// and finishes the oldest.
///
/// Between two steps it keeps x_0 as predicted, not x_t: noise is added at the next step, so that a changed
/// schedule or noise takes effect on rows in flight.
class DenoisingBatch {
 public:
  /// `latents`: shape of the frames that go in together. `noise`: one row a step.
  DenoisingBatch(Device& device, std::shared_ptr<const Denoising> denoising, const Tensor& noise,
                 const Shape& latents);

  /// Takes effect at the next step. The number of steps stays the same.
  void set(std::shared_ptr<const Denoising> denoising, const Tensor& noise);
  /// From the next step on all rows have the fixed noise.
  void forget_own_noise() noexcept;
  /// Takes over the frames in flight of a batch with another number of steps, which keeps them too. Each row
  /// takes the frame that was nearest to its noise level; a frame that several rows take is shown once, one
  /// that none takes is lost.
  void take_frames_of(const DenoisingBatch& other);
  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(denoising_->steps.size()); }

  [[nodiscard]] bool empty() const { return empty_; }
  /// Forgets all frames: as new.
  void clear() noexcept;

  /// One label for each frame of `input`. The finished frames' x_0, valid until the next call.
  Tensor step(Context context, const DenoisingInput& input, std::span<const FrameLabel> labels);
  /// The same in three parts: the rows to be denoised (DenoisingRows::predict), what is made of them, and
  /// `commit`, until which a failure leaves the frames in flight as they were. `first_x0`: where the batch is
  /// empty, the x_0 of one frame that fills the other rows and nobody will be shown; without it they begin as
  /// zeros.
  DenoisingRows& begin_step(const DenoisingInput& input, const Tensor& first_x0 = {});
  Tensor end_step(std::span<const FrameLabel> labels);
  void commit() noexcept;
  /// Labels of the frames that the last `end_step` finished.
  [[nodiscard]] std::span<const FrameLabel> finished() const;

  /// True if a frame in flight is still to be shown.
  [[nodiscard]] bool in_flight() const;

 private:
  /// Predictions of one step, ordered by step.
  struct Predictions {
    DeviceTensor x0;
    DeviceTensor residual_x0;
    std::vector<FrameLabel> labels;
  };

  [[nodiscard]] std::int64_t columns() const { return latents_.n; }
  [[nodiscard]] Predictions make_predictions() const;
  void take_noise(const Tensor& own);
  void fill_rows(const Tensor& first_x0);

  Device& device_;
  Shape latents_;
  std::shared_ptr<const Denoising> denoising_;
  DenoisingRows rows_;
  DeviceTensor fixed_noise_;             // one row a row
  DeviceTensor noise_;                   // what the rows are noised with at this step
  std::vector<DeviceTensor> own_noise_;  // of the last inputs, one a step, where they bring their own
  bool has_own_noise_ = false;           // the input of the step that has begun does
  std::size_t turn_ = 0;                 // which of own_noise_ the next input takes
  Predictions last_;                     // all but the last step's rows are in flight
  Predictions next_;                     // last_ from `commit` on
  DeviceTensor finished_;                // x_0 of the finished frames, always in the same place
  bool empty_ = true;
};

}  // namespace streamdiffusion
