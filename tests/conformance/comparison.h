#pragma once

#include <string>

#include "host_tensor.h"

namespace streamdiffusion::conformance {

/// How far an output is from the reference, and how far it may be.
struct Comparison {
  double error = 0;
  double limit = 0;
  [[nodiscard]] bool ok() const { return error <= limit; }  // not where error is not a number
};

/// Numbers: max |ours - reference| / max |reference|, with `each_row` the largest over the first dimension.
/// Integers: 0 where all agree, else 1. `limit`: for numbers. Throws Error where type or shape differ.
Comparison compare(const HostTensor& ours, const HostTensor& reference, bool each_row, double limit);

/// How far numbers may be off, by the type that is computed in (FORMAT.md).
double limit_of(DType computed);

}  // namespace streamdiffusion::conformance
