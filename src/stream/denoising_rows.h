#pragma once

#include <cstdint>
#include <initializer_list>
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

/// The kinds of values that rows start from.
enum class RowStart {
  image,       ///< Latents of images, noised to the rows' levels.
  noise,       ///< Noise, which is used as it is.
  prediction,  ///< Predictions of the step before, noised to the rows' levels.
  zero,        ///< Zeros, as the original StreamDiffusion starts.
};

/// Where successive rows start. All tensors have one row for each of them. Their values must be finite even
/// where they are not used, because they are then multiplied by 0.
struct RowInput {
  RowStart start = RowStart::prediction;
  Tensor x0;           ///< Images, noise or predicted x_0; not used for `zero`.
  Tensor residual_x0;  ///< Predicted residual x_0; used for `prediction`.
  Tensor noise;        ///< Noise of the rows; not used for `zero`.
};

/// The rows of one UNet call: `columns` frames at each of several successive denoising steps, ordered by
/// step, followed by the negative rows that guidance adds.
///
/// Names follow the paper: a call computes the noised x_t, then predicts x_0. Each row also has a residual
/// noise (the paper's equation 5), which replaces the negative prediction in `self` and `initialize`.
/// `residual_x0` is the x_0 predicted from it, and is noised to the next step's level as x_0 is. It is
/// computed for every guidance type, so that the type can change while rows are in flight.
///
/// A call is one sequence of the device. It reads and writes the same memory in every step, and what rows
/// start from is a matter of factors. A device therefore repeats one recording for all kinds of starts.
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

  /// Sets where the rows start in the next call: all of them, in the order of the inputs. The tensors must
  /// live until then.
  void set_inputs(std::initializer_list<RowInput> inputs);

  /// Runs one UNet call for the rows of several streams, which predicts their x_0 and residual x_0. The rows
  /// must share weights and the size of latents (can_share_call_with).
  static void denoise(Context& context, std::span<DenoisingRows* const> together);
  /// Runs a UNet call for these rows alone.
  void denoise(Context& context);

  /// The predicted x_0 of all rows except the negative ones, which have no outputs.
  [[nodiscard]] const Tensor& x0() const { return x0_.view(); }
  /// The predicted residual x_0 of the same rows.
  [[nodiscard]] const Tensor& residual_x0() const { return residual_x0_.view(); }

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
  /// Factors of each row. x_t is the sum of x0 and noise, each multiplied by its factor. The residual noise
  /// is the sum of noise and residual x0 in the same way.
  struct NoisingFactors {
    const std::vector<float>& x0;
    const std::vector<float>& noise;
    const std::vector<float>& residual_from_noise;
    const std::vector<float>& residual_from_x0;
  };

  [[nodiscard]] std::int64_t all_rows() const { return rows_ + negative_rows_; }
  [[nodiscard]] Tensor time() const { return time_.view().rows(0, all_rows()); }
  [[nodiscard]] Tensor sample() const { return sample_.view().rows(0, all_rows()); }
  [[nodiscard]] Tensor prediction() const { return prediction_.view().rows(0, all_rows()); }
  void add_row(std::int64_t step, const TextContextSlot& text, RowRange attention);
  void compute_coefficients();
  void noise_inputs();
  void noise_rows(std::int64_t first_row, const RowInput& input);
  [[nodiscard]] NoisingFactors noising_factors(RowStart start) const;
  void finish();
  void guide();
  void turn_into_noise(std::int64_t rows);
  [[nodiscard]] bool guides_v() const;
  static void predict(Context& context, std::span<DenoisingRows* const> together);
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
  std::vector<RowInput> inputs_;
  TextContextSlot prompt_;
  TextContextSlot negative_prompt_;
  // time_, sample_ and prediction_ have capacity for 2 * rows_ rows, the most that any guidance uses.
  DeviceTensor time_;
  DeviceTensor sample_;
  DeviceTensor prediction_;
  DeviceTensor residual_noise_;
  DeviceTensor x0_;
  DeviceTensor residual_x0_;
};

}  // namespace streamdiffusion
