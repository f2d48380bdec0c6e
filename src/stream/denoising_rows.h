#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/networks/network.h"
#include "stream/denoising.h"
#include "stream/text_context_slot.h"

namespace streamdiffusion {

/// The start of denoising: either the latents of images, which are noised to the first step's level, or
/// noise.
struct DenoisingInput {
  Tensor latents;         ///< [columns, h, w, 4].
  bool is_noise = false;  ///< True if `latents` is noise, which is used as it is.
  /// These frames' own noise, one row for each step and frame, ordered by step. Empty: the stream's fixed
  /// noise.
  Tensor noise;
};

/// The rows of one UNet call: `columns` frames at each of several successive denoising steps, ordered by
/// step, followed by the negative rows that guidance adds.
///
/// Names follow the paper: the `set_*` functions compute the noised x_t, then `denoise` predicts x_0. Each
/// row also has a residual noise (the paper's equation 5), which replaces the negative prediction in `self`
/// and `initialize`. `residual_x0` is the x_0 predicted from it, and is noised to the next step's level as
/// x_0 is. It is computed for every guidance type, so that the type can change while rows are in flight.
class DenoisingRows {
 public:
  /// `latents` is the shape of the frames of one denoising step; latents.n is `columns`.
  DenoisingRows(Device& device, std::shared_ptr<const DenoisingPlan> denoising, std::int64_t first_step,
                std::int64_t step_count, const Shape& latents);
  DenoisingRows(const DenoisingRows&) = delete;
  DenoisingRows& operator=(const DenoisingRows&) = delete;

  /// Changes the denoising and the first step of the rows. Buffers keep their addresses, so a device can
  /// repeat recorded sequences unless the number of rows changes.
  void set_denoising(std::shared_ptr<const DenoisingPlan> denoising, std::int64_t first_step);

  /// Sets the rows of the first step to `input`, noised with `noise` unless the input is noise.
  void set_input(const DenoisingInput& input, const Tensor& noise);
  /// Sets the rows from `first_row` on to the predictions of the step before, noised to the rows' levels.
  /// `x0`, `residual_x0` and `noise` have one row for each of these rows.
  void set_noised(std::int64_t first_row, const Tensor& x0, const Tensor& residual_x0, const Tensor& noise);
  /// Sets the rows from `first_row` on to zeros, as the original StreamDiffusion starts. `finite` is any
  /// tensor of finite values with their shape.
  void set_zero(std::int64_t first_row, const Tensor& finite);

  /// Predicts x_0 and residual x_0 of all rows except the negative ones, which have no outputs.
  void denoise(Context& context, const Tensor& x0, const Tensor& residual_x0);

  /// Runs one UNet call for the rows of several streams. It is the first half of `denoise`; `finish` is the
  /// second. The rows must share weights and the size of latents (can_share_call_with).
  static void predict(Context& context, std::span<DenoisingRows* const> together);
  /// Applies guidance to the UNet's predictions and computes x_0 and residual x_0, as `denoise` does.
  void finish(const Tensor& x0, const Tensor& residual_x0);

  /// True if these and the other rows have the same weights and size of latents.
  [[nodiscard]] bool can_share_call_with(const DenoisingRows& other) const;

 private:
  /// Coefficients of each row, negative rows included.
  struct Coefficients {
    std::vector<float> alpha, beta;
    std::vector<float> added_noise;     // weight of the noise in x_t; 0 if do_add_noise is off
    std::vector<float> residual_ratio;  // alpha / beta
    std::vector<float> x0_of_sample, x0_of_prediction;
    std::vector<float> residual_x0_of_residual, residual_x0_of_noise;
    std::vector<float> guided_text, guided_negative;
    std::vector<float> zero, one;
  };

  [[nodiscard]] std::int64_t all_rows() const { return rows_ + negative_rows_; }
  [[nodiscard]] Tensor time() const { return time_.view().rows(0, all_rows()); }
  [[nodiscard]] Tensor sample() const { return sample_.view().rows(0, all_rows()); }
  [[nodiscard]] Tensor prediction() const { return prediction_.view().rows(0, all_rows()); }
  void add_row(std::int64_t step, const TextContextSlot& text, RowRange attention);
  void compute_coefficients();
  void copy_negative_rows();
  void guide();
  void turn_into_noise(std::int64_t rows);
  [[nodiscard]] bool guides_v() const;
  static void predict_in_order(Context& context, std::span<DenoisingRows* const> together);
  static void predict_gathered(Context& context, std::span<DenoisingRows* const> together);

  Device& device_;
  std::shared_ptr<const DenoisingPlan> denoising_;
  std::int64_t columns_;
  std::int64_t rows_;               // rows without the negative ones
  std::int64_t negative_rows_ = 0;  // negative rows, which follow the others
  std::vector<std::int64_t> row_steps_;
  Coefficients coefficients_;
  std::vector<const TextContext*> text_;
  std::vector<RowRange> attention_;
  TextContextSlot prompt_;
  TextContextSlot negative_prompt_;
  // These have capacity for 2 * rows_ rows, the most that any guidance uses.
  DeviceTensor time_;
  DeviceTensor sample_;
  DeviceTensor prediction_;
  DeviceTensor residual_noise_;
};

}  // namespace streamdiffusion
