#include "comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

std::string show(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) {
    text += (text.empty() ? "[" : ", ") + std::to_string(extent);
  }
  return text.empty() ? "[]" : text + "]";
}

double relative_error(std::span<const float> ours, std::span<const float> reference) {
  double worst = 0;
  double largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - static_cast<double>(reference[i]));
    if (std::isnan(difference)) {
      return difference;
    }
    worst = std::max(worst, difference);
    largest = std::max(largest, std::abs(static_cast<double>(reference[i])));
  }
  if (largest == 0) {
    return worst == 0 ? 0 : std::numeric_limits<double>::infinity();
  }
  return worst / largest;
}

}  // namespace

double limit_of(DType computed) {
  switch (computed) {
    case DType::f16:
      return 2e-2;
    case DType::bf16:
      return 1.5e-1;
    default:
      return 1e-4;
  }
}

Comparison compare(const HostTensor& ours, const HostTensor& reference, bool each_row, double limit) {
  if (ours.values.index() != reference.values.index()) {
    throw Error("integers are compared with numbers");
  }
  if (ours.shape != reference.shape) {
    throw Error("shape is " + show(ours.shape) + ", must be " + show(reference.shape));
  }
  if (std::holds_alternative<std::vector<std::int64_t>>(reference.values)) {
    return {.error = ours.integers() == reference.integers() ? 0.0 : 1.0, .limit = 0};
  }
  const std::size_t rows =
      each_row && !reference.shape.empty() ? static_cast<std::size_t>(reference.shape[0]) : 1;
  const std::size_t size = rows == 0 ? 0 : reference.floats().size() / rows;
  Comparison comparison{.error = 0, .limit = limit};
  for (std::size_t row = 0; row < rows; ++row) {
    const double error = relative_error(std::span(ours.floats()).subspan(row * size, size),
                                        std::span(reference.floats()).subspan(row * size, size));
    comparison.error = std::isnan(error) ? error : std::max(comparison.error, error);
    if (std::isnan(error)) {
      break;
    }
  }
  return comparison;
}

}  // namespace streamdiffusion::conformance
