#pragma once

#include <vector>

#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Scales frames with a separable Lanczos filter of three lobes. When shrinking, the filter is widened so
/// that every source pixel counts, as in PIL's resize. Tables are kept for the next frame of the same sizes.
/// Not thread-safe.
class FrameScaler {
 public:
  /// Does what fit_frame does.
  void fit(const Frame& in, Fit fit, Frame& out);

 private:
  /// The input positions, from `first` on, whose weighted sum is one output position.
  struct Taps {
    int first = 0;
    std::vector<float> weights;
  };
  struct Axis {
    std::vector<Taps> taps;
    /// The range of input positions that any output position uses.
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
  int left_ = 0;  ///< Position of the scaled image in the output, in pixels, with top_.
  int top_ = 0;
  std::vector<float> row_;
};

}  // namespace streamdiffusion
