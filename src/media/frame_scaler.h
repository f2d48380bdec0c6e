#pragma once

#include <vector>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Brings frames into a size: separable Lanczos of three lobes, widened where it makes smaller so that every
/// source pixel counts (as PIL's resize does). Keeps its tables and rows for the next frame of the same
/// sizes.
class FrameScaler {
 public:
  /// As fit_frame.
  void fit(const Frame& in, Fit fit, Frame& out);

 private:
  /// For each output position the input positions that it is a weighted sum of.
  struct Taps {
    int first = 0;
    std::vector<float> weights;
  };
  struct Axis {
    std::vector<Taps> taps;
    /// The input positions used at all.
    int input_begin = 0;
    int input_end = 0;
  };
  struct Sizes {
    int in_width = 0;
    int in_height = 0;
    int out_width = 0;
    int out_height = 0;
    Fit fit = Fit::crop;
    bool operator==(const Sizes&) const = default;
  };

  static Axis make_axis(double from, double to, int in_size, int out_size);
  void prepare(const Sizes& sizes);
  void scale_row(const Frame& in, const Taps& rows, std::uint8_t* out);

  Sizes sizes_;
  Axis horizontal_;
  Axis vertical_;
  int left_ = 0;  ///< of the scaled picture in the output
  int top_ = 0;
  std::vector<float> row_;
};

}  // namespace streamdiffusion
