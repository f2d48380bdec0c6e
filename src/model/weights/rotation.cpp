#include "model/weights/rotation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "model/weights/adapter_tensor.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Matrix = std::vector<double>;  // square, row-major

/// Returns the side b of a matrix whose strict upper triangle has b * (b - 1) / 2 elements, or 0 if none has.
std::int64_t side_of_triangle(std::int64_t elements) {
  const auto side =
      static_cast<std::int64_t>(std::llround(std::sqrt(2.0 * static_cast<double>(elements) + 0.25) + 0.5));
  return side > 1 && side * (side - 1) / 2 == elements ? side : 0;
}

Matrix identity(std::size_t side) {
  Matrix matrix(side * side);
  for (std::size_t i = 0; i < side; ++i) {
    matrix[i * side + i] = 1;
  }
  return matrix;
}

Matrix skew_symmetric(std::span<const float> triangle, std::size_t side) {
  Matrix matrix(side * side);
  std::size_t next = 0;
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = row + 1; column < side; ++column, ++next) {
      matrix[row * side + column] = static_cast<double>(triangle[next]);
      matrix[column * side + row] = -static_cast<double>(triangle[next]);
    }
  }
  return matrix;
}

Matrix product(const Matrix& a, const Matrix& b, std::size_t side) {
  Matrix result(side * side);
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t k = 0; k < side; ++k) {
      for (std::size_t column = 0; column < side; ++column) {
        result[row * side + column] += a[row * side + k] * b[k * side + column];
      }
    }
  }
  return result;
}

void add_scaled(Matrix& to, double scale, const Matrix& what) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += scale * what[i];
  }
}

/// Returns I + 2 Q + 2 Q^2 + ... + Q^last, a truncation of (I + Q) (I - Q)^-1. As in peft, the last power
/// counts once, and three terms reach Q^3 as four do.
Matrix cayley_series(const Matrix& skew, std::size_t side, std::int64_t terms) {
  Matrix result = identity(side);
  if (terms < 2) {
    return result;
  }
  add_scaled(result, 2, skew);
  const std::int64_t last = terms == 2 ? 1 : std::max<std::int64_t>(terms - 1, 3);
  Matrix power = skew;
  for (std::int64_t exponent = 2; exponent <= last; ++exponent) {
    power = product(power, skew, side);
    add_scaled(result, exponent == last ? 1 : 2, power);
  }
  return result;
}

/// Inverts a matrix by Gauss-Jordan elimination with pivots. I + Q is invertible for every skew-symmetric Q.
Matrix invert(Matrix matrix, std::size_t side) {
  Matrix result = identity(side);
  const auto swap_rows = [side](Matrix& of, std::size_t a, std::size_t b) {
    std::swap_ranges(of.begin() + static_cast<std::ptrdiff_t>(a * side),
                     of.begin() + static_cast<std::ptrdiff_t>((a + 1) * side),
                     of.begin() + static_cast<std::ptrdiff_t>(b * side));
  };
  for (std::size_t column = 0; column < side; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < side; ++row) {
      if (std::abs(matrix[row * side + column]) > std::abs(matrix[pivot * side + column])) {
        pivot = row;
      }
    }
    if (pivot != column) {
      swap_rows(matrix, pivot, column);
      swap_rows(result, pivot, column);
    }
    const double divisor = matrix[column * side + column];
    for (std::size_t i = 0; i < side; ++i) {
      matrix[column * side + i] /= divisor;
      result[column * side + i] /= divisor;
    }
    for (std::size_t row = 0; row < side; ++row) {
      const double factor = matrix[row * side + column];
      if (row == column || factor == 0) {
        continue;
      }
      for (std::size_t i = 0; i < side; ++i) {
        matrix[row * side + i] -= factor * matrix[column * side + i];
        result[row * side + i] -= factor * result[column * side + i];
      }
    }
  }
  return result;
}

/// Returns (I - Q) (I + Q)^-1: peft's exact transform, the transpose of what its series approximates.
Matrix cayley(const Matrix& skew, std::size_t side) {
  Matrix minus = identity(side);
  Matrix plus = minus;
  add_scaled(minus, -1, skew);
  add_scaled(plus, 1, skew);
  return product(minus, invert(std::move(plus), side), side);
}

std::vector<Matrix> rotations_of(const Rotation& rotation, std::size_t side) {
  const std::vector<float> triangles = to_floats(*rotation.triangles);
  const auto count = static_cast<std::size_t>(rotation.triangles->shape[0]);
  const std::size_t elements = triangles.size() / count;
  std::vector<Matrix> matrices;
  for (std::size_t block = 0; block < count; ++block) {
    const Matrix skew = skew_symmetric(std::span(triangles).subspan(block * elements, elements), side);
    matrices.push_back(rotation.series_terms > 0 ? cayley_series(skew, side, rotation.series_terms)
                                                 : cayley(skew, side));
  }
  return matrices;
}

}  // namespace

void check_change(const Rotation& rotation, const LayerShape& shape, const std::string& where) {
  const FileTensor& triangles = *rotation.triangles;
  check_numbers(triangles, where);
  if (shape.pixels > 1) {
    throw FileError(where +
                    ": is OFT of a convolution with a kernel, which is not supported: peft's forward sums "
                    "overlapping patches, and no weight does the same");
  }
  const std::int64_t side = triangles.shape.size() == 2 ? side_of_triangle(triangles.shape[1]) : 0;
  const bool fits = side > 0 && (rotation.is_shared ? triangles.shape[0] == 1 && shape.in % side == 0
                                                    : triangles.shape[0] * side == shape.in);
  if (!fits) {
    throw FileError(where + ": OFT's blocks " + show_shape(triangles) + " do not fit a layer of " +
                    std::to_string(shape.in) + " inputs");
  }
}

void apply_change(const Rotation& rotation, float scale, std::span<float> weight) {
  const auto side = static_cast<std::size_t>(side_of_triangle(rotation.triangles->shape[1]));
  const std::vector<Matrix> matrices = rotations_of(rotation, side);
  std::vector<float> rotated(side);
  std::size_t block = 0;
  for (std::size_t first = 0; first < weight.size(); first += side) {
    const Matrix& matrix = matrices[block];
    block = block + 1 < matrices.size() ? block + 1 : 0;  // shared, or one per range of inputs
    const std::span<float> inputs = weight.subspan(first, side);
    for (std::size_t i = 0; i < side; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < side; ++j) {
        sum += matrix[i * side + j] * static_cast<double>(inputs[j]);
      }
      rotated[i] = static_cast<float>(sum);
    }
    for (std::size_t i = 0; i < side; ++i) {
      inputs[i] += scale * (rotated[i] - inputs[i]);
    }
  }
}

}  // namespace streamdiffusion
