#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/networks/network.h"
#include "stream/denoising.h"
#include "stream/text_place.h"

namespace streamdiffusion {

/// Where denoising starts: a picture's latents, to be noised to the first step's level, or noise to begin
/// with as it is.
struct DenoisingInput {
  Tensor latents;  ///< [columns, h, w, 4]
  bool is_noise = false;
  Tensor noise;  ///< these frames' own, one row for each step and frame, ordered by step; empty: the stream's
                 ///< fixed noise
};

/// The rows of one UNet call: `columns` frames at each of some successive denoising steps, ordered by step,
/// and the negative rows that guidance adds.
///
/// Rows are called by the paper's names: x_t is noised (`set_*`), then `denoise` predicts x_0. Beside each
/// row goes its residual noise (equation 5), what the negative prediction is thought to be in `self` and
/// `initialize`; `residual_x0` is what denoising predicts for that, to be noised to the next level as x_0 is.
/// It is computed for every guidance type, so that the type can change while rows are in flight.
class DenoisingRows {
 public:
  /// `latents`: shape of the columns.
  DenoisingRows(Device& device, std::shared_ptr<const Denoising> denoising, std::int64_t first_step,
                std::int64_t step_count, const Shape& latents);
  DenoisingRows(const DenoisingRows&) = delete;
  DenoisingRows& operator=(const DenoisingRows&) = delete;

  /// From now on denoises so. Memory stays where it is, and a device can repeat what it has recorded, unless
  /// the number of rows is another.
  void set(std::shared_ptr<const Denoising> denoising, std::int64_t first_step);

  /// The rows of the first step take `input`; `noise` is theirs.
  void set_input(const DenoisingInput& input, const Tensor& noise);
  /// The rows from `first_row` on take what the step before predicted, noised to their level; `x0`,
  /// `residual_x0` and `noise` have one row for each.
  void set_noised(std::int64_t first_row, const Tensor& x0, const Tensor& residual_x0, const Tensor& noise);
  /// Rows from `first_row` on become zeros, as the original begins; `finite` is any finite tensor of their
  /// shape.
  void set_zero(std::int64_t first_row, const Tensor& finite);

  /// One row of `x0` and `residual_x0` for each.
  void denoise(Context& context, const Tensor& x0, const Tensor& residual_x0);

  /// `denoise` in two parts, so that rows of several streams can share a UNet call: first the UNet's
  /// prediction for all rows, then what is made of it. Rows that share a call share weights and the size of
  /// latents.
  static void predict(Context& context, std::span<DenoisingRows* const> together);
  void finish(const Tensor& x0, const Tensor& residual_x0);

  [[nodiscard]] bool can_share_call_with(const DenoisingRows& other) const;

 private:
  struct Coefficients {  // one for each row
    std::vector<float> alpha, beta;
    std::vector<float> added_noise;     // weight of the noise in x_t
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
  void add_row(std::int64_t step, const TextPlace& text, RowRange attention);
  void compute_coefficients();
  void copy_negative_rows();
  void guide();
  void turn_into_noise(std::int64_t rows);
  [[nodiscard]] bool guides_v() const;
  static void predict_in_order(Context& context, std::span<DenoisingRows* const> together);
  static void predict_gathered(Context& context, std::span<DenoisingRows* const> together);

  Device& device_;
  std::shared_ptr<const Denoising> denoising_;
  std::int64_t columns_;
  std::int64_t rows_;               // without negative rows
  std::int64_t negative_rows_ = 0;  // after them
  std::vector<std::int64_t> row_steps_;
  Coefficients coefficients_;
  std::vector<const TextContext*> text_;
  std::vector<RowRange> attention_;
  TextPlace prompt_;
  TextPlace negative_prompt_;
  DeviceTensor time_;        // room for as many negative rows as guidance may ask for
  DeviceTensor sample_;      // likewise
  DeviceTensor prediction_;  // likewise
  DeviceTensor residual_noise_;
};

}  // namespace streamdiffusion
