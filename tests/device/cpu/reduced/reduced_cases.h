#pragma once

#include <cstdint>
#include <ostream>

#include "device/reference.h"

namespace streamdiffusion {

/// A convolution and the shape of its input. Each pixel ends with `extra` channels of another tensor.
struct ConvCase {
  std::int64_t rows, in, out, h, w, kernel, padding;
  Resample resample = Resample::none;
  bool row_bias = false;
  bool residual = false;
  Activation activation = Activation::none;
  std::int64_t extra = 0;
};

inline void PrintTo(const ConvCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.h << "x" << c.w << " " << c.in << "->" << c.out << " k" << c.kernel;
}

/// Makes the options of a case, with row bias and residual, for an output of shape `out`.
inline Conv2dOptions options_of(reference::Bench& bench, const ConvCase& c, const Shape& out) {
  Conv2dOptions options{.padding = c.padding, .activation = c.activation};
  if (c.row_bias) {
    options.row_bias = bench.random({c.rows, 1, 1, c.out}, 4, 5);
  }
  if (c.residual) {
    options.residual = bench.random(out, 5, 3);
  }
  return options;
}

/// Returns the largest difference of two tensors of one shape, relative to the largest value of `b`.
inline double difference(const Tensor& a, const Tensor& b) {
  return reference::largest_error(
      a, [&](auto n, auto y, auto x, auto c) { return reference::at(b, n, y, x, c); });
}

}  // namespace streamdiffusion
