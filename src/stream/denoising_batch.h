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

  /// Takes effect at the next step. With another number of steps each row takes the frame that was nearest to
  /// its noise level; a frame that several rows take is shown once, one that none takes is lost.
  void set(std::shared_ptr<const Denoising> denoising, const Tensor& noise);

  /// Fills all rows with one frame's x_0, which nobody will be shown. Without it rows begin as zeros.
  void prime(const Tensor& x0);
  [[nodiscard]] bool empty() const { return empty_; }
  /// Forgets all frames: as new.
  void clear();

  /// One label for each frame of `input`. The finished frames' x_0, valid until the next call.
  Tensor step(Context context, const DenoisingInput& input, std::span<const FrameLabel> labels);
  /// The same in two parts: the rows to be denoised (DenoisingRows::predict), and what is made of them then.
  DenoisingRows& begin_step(const DenoisingInput& input);
  Tensor end_step(std::span<const FrameLabel> labels);
  /// Of the frames that the last step finished.
  [[nodiscard]] std::span<const FrameLabel> finished() const;

  /// Whether a frame in flight is still to be shown.
  [[nodiscard]] bool in_flight() const;

 private:
  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(denoising_->steps.size()); }
  [[nodiscard]] std::int64_t columns() const { return latents_.n; }
  void allocate();
  void take_noise(const Tensor& own);
  void keep_nearest(const Denoising& old, const DeviceTensor& old_x0, const DeviceTensor& old_residual_x0,
                    const std::vector<FrameLabel>& old_labels);

  Device& device_;
  Shape latents_;
  std::shared_ptr<const Denoising> denoising_;
  std::unique_ptr<DenoisingRows> rows_;
  DeviceTensor fixed_noise_;             // one row a row
  DeviceTensor noise_;                   // what the rows are noised with at this step
  std::vector<DeviceTensor> own_noise_;  // of the last inputs, one a step, where they bring their own
  std::size_t turn_ = 0;                 // which of those the next input takes
  // What the last step predicted, ordered by step; all but the last step's rows are in flight.
  DeviceTensor x0_;
  DeviceTensor residual_x0_;
  std::vector<FrameLabel> labels_;
  bool empty_ = true;
};

}  // namespace streamdiffusion
