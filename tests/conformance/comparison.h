#pragma once

#include <string>

#include "host_tensor.h"

namespace streamdiffusion::conformance {

/// The error of an output relative to the reference, and its limit.
struct Comparison {
  double error = 0;
  double limit = 0;
  [[nodiscard]] bool ok() const { return error <= limit; }  // False if the error is NaN.
};

/// Compares an output with the reference. For floats the error is max |ours - reference| / max |reference|,
/// with `each_row` the largest of those along the first dimension. For integers it is 0 if all are equal,
/// else 1. `limit` is that for floats. Throws Error if type or shape differ.
Comparison compare(const HostTensor& ours, const HostTensor& reference, bool each_row, double limit);

/// The limit of the error of floats, by the type of activations (FORMAT.md).
double limit_of(DType computed);

}  // namespace streamdiffusion::conformance
