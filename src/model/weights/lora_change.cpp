#include "model/weights/lora_change.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <vector>

#include "model/files/weight_kernels.h"
#include "model/weights/adapter_tensor.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Returns the number of pixels of a convolution's kernel, 1 for a matrix.
std::int64_t pixels_of(const FileTensor& tensor) {
  return tensor.shape.size() == 4 ? tensor.shape[2] * tensor.shape[3] : 1;
}

/// Transposes [rows][columns] to [columns][rows].
std::vector<float> transposed(const std::vector<float>& values, std::int64_t rows) {
  const auto row_count = static_cast<std::size_t>(rows);
  const std::size_t columns = values.size() / row_count;
  std::vector<float> result(values.size());
  for (std::size_t row = 0; row < row_count; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      result[column * row_count + row] = values[row * columns + column];
    }
  }
  return result;
}

struct Extent {
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< Input channels * pixels.
  friend bool operator==(const Extent&, const Extent&) = default;
};

std::int64_t rows_of_left(const LoraMatrix& matrix) {
  return matrix.left->shape[matrix.left_is_transposed ? 1 : 0];
}

std::int64_t rank_of_left(const LoraMatrix& matrix) {
  return matrix.left->shape[matrix.left_is_transposed ? 0 : 1];
}

/// Returns the size of a matrix that has passed check_matrix.
Extent extent_of(const LoraMatrix& matrix) {
  if (matrix.whole != nullptr) {
    return {matrix.whole->shape[0], matrix.whole->elements() / matrix.whole->shape[0]};
  }
  const std::int64_t columns = matrix.right->elements() / matrix.right->shape[0];
  const std::int64_t pixels = pixels_of(matrix.core != nullptr ? *matrix.core : *matrix.left);
  const bool countable = columns <= std::numeric_limits<std::int64_t>::max() / pixels;
  return {rows_of_left(matrix), countable ? columns * pixels : 0};  // 0 fits no layer
}

/// Returns scale * `left` as [rows][rank], or [rows][rank][pixels] with a kernel.
std::vector<float> scaled_left(const LoraMatrix& matrix, float scale) {
  std::vector<float> left = to_floats(*matrix.left);
  if (matrix.left_is_transposed) {
    left = transposed(left, matrix.left->shape[0]);
  }
  for (float& value : left) {
    value *= scale;
  }
  return left;
}

/// result[n][i][t] += sum over r of kernels[n][r][t] * right[r][i], where t counts the kernels' `pixels`.
void add_kernels_times_right(const std::vector<float>& kernels, const std::vector<float>& right,
                             std::int64_t rank, std::int64_t pixels, std::span<float> result) {
  const std::vector<float> by_input = transposed(right, rank);
  const std::int64_t in = std::ssize(right) / rank;
  const std::int64_t count = std::ssize(kernels) / (rank * pixels);
  for (std::int64_t n = 0; n < count; ++n) {
    add_product(by_input.data(), kernels.data() + n * rank * pixels, in, rank, pixels,
                result.data() + n * in * pixels);
  }
}

/// result[rows][columns] += scale * matrix.
void add_matrix(const LoraMatrix& matrix, float scale, std::span<float> result) {
  if (matrix.whole != nullptr) {
    const std::vector<float> values = to_floats(*matrix.whole);
    for (std::size_t i = 0; i < values.size(); ++i) {
      result[i] += scale * values[i];
    }
    return;
  }
  const Extent extent = extent_of(matrix);
  const std::vector<float> left = scaled_left(matrix, scale);
  std::vector<float> right = to_floats(*matrix.right);
  const std::int64_t rank = matrix.right->shape[0];
  if (matrix.core != nullptr) {
    const std::int64_t outer_rank = matrix.core->shape[0];
    std::vector<float> inner(static_cast<std::size_t>(outer_rank * extent.columns));
    add_kernels_times_right(to_floats(*matrix.core), right, rank, pixels_of(*matrix.core), inner);
    add_product(left.data(), inner.data(), extent.rows, outer_rank, extent.columns, result.data());
  } else if (pixels_of(*matrix.left) > 1) {
    add_kernels_times_right(left, right, rank, pixels_of(*matrix.left), result);
  } else {
    add_product(left.data(), right.data(), extent.rows, rank, extent.columns, result.data());
  }
}

std::vector<float> to_dense(const LoraMatrix& matrix, float scale) {
  const Extent extent = extent_of(matrix);
  std::vector<float> values(static_cast<std::size_t>(extent.rows * extent.columns));
  add_matrix(matrix, scale, values);
  return values;
}

/// weight[a * rows2 + b][c * columns2 + d] += scale * first[a][c] * second[b][d].
void add_kronecker(const LoraChange& change, float scale, std::span<float> weight) {
  const Extent outer = extent_of(change.first);
  const Extent inner = extent_of(change.second);
  const std::vector<float> first = to_dense(change.first, scale);
  const std::vector<float> second = to_dense(change.second, 1);
  auto out = weight.begin();
  for (std::int64_t row = 0; row < outer.rows * inner.rows; ++row) {
    const float* const outer_row = first.data() + row / inner.rows * outer.columns;
    const float* const inner_row = second.data() + row % inner.rows * inner.columns;
    for (std::int64_t c = 0; c < outer.columns; ++c) {
      for (std::int64_t d = 0; d < inner.columns; ++d) {
        *out++ += outer_row[c] * inner_row[d];
      }
    }
  }
}

void add_delta(const LoraChange& change, float scale, std::span<float> weight) {
  switch (change.kind) {
    case LoraChange::Kind::lora:
      add_matrix(change.first, scale, weight);
      break;
    case LoraChange::Kind::loha: {
      const std::vector<float> first = to_dense(change.first, scale);
      const std::vector<float> second = to_dense(change.second, 1);
      for (std::size_t i = 0; i < first.size(); ++i) {
        weight[i] += first[i] * second[i];
      }
      break;
    }
    case LoraChange::Kind::lokr:
      add_kronecker(change, scale, weight);
      break;
  }
}

/// Returns the index of the DoRA length of a weight: its output channel, or its input channel.
std::size_t unit_of(const LoraChange& change, const LayerShape& shape, std::size_t index) {
  const auto in = static_cast<std::size_t>(shape.in);
  const auto pixels = static_cast<std::size_t>(shape.pixels);
  return change.lengths_of_inputs ? index / pixels % in : index / (in * pixels);
}

/// Returns the factors that bring the weights of each output or input channel to the given lengths. Zero
/// vectors have no direction and stay zero.
std::vector<float> length_factors(const LoraChange& change, const LayerShape& shape,
                                  std::span<const float> weight) {
  const std::vector<float> lengths = to_floats(*change.lengths);
  std::vector<double> squares(lengths.size());
  for (std::size_t i = 0; i < weight.size(); ++i) {
    squares[unit_of(change, shape, i)] += static_cast<double>(weight[i]) * static_cast<double>(weight[i]);
  }
  std::vector<float> factors(lengths.size());
  for (std::size_t unit = 0; unit < lengths.size(); ++unit) {
    factors[unit] = squares[unit] > 0 ? lengths[unit] / static_cast<float>(std::sqrt(squares[unit])) : 0.0F;
  }
  return factors;
}

void check_matrix(const LoraMatrix& matrix, const std::string& where) {
  for (const FileTensor* const tensor : {matrix.whole, matrix.left, matrix.right, matrix.core}) {
    if (tensor == nullptr) {
      continue;
    }
    if (tensor->shape.size() != 2 && tensor->shape.size() != 4) {
      throw FileError(where + ": a LoRA's weights must have 2 or 4 dimensions, not " + show_shape(*tensor));
    }
    if (tensor->elements() == 0) {
      throw FileError(where + ": a LoRA's weights must not be empty, as " + show_shape(*tensor) + " is");
    }
    check_numbers(*tensor, where);
  }
  if (matrix.whole != nullptr) {
    return;
  }
  const std::string pair = "down " + show_shape(*matrix.right) + " and up " + show_shape(*matrix.left);
  const std::int64_t rank = matrix.right->shape[0];
  const std::int64_t core_rank = matrix.core != nullptr ? matrix.core->shape[1] : rank_of_left(matrix);
  const std::int64_t outer_rank = matrix.core != nullptr ? matrix.core->shape[0] : core_rank;
  if (core_rank != rank || outer_rank != rank_of_left(matrix)) {
    throw FileError(where + ": " + pair +
                    (matrix.core != nullptr ? " with " + show_shape(*matrix.core) + " between them" : "") +
                    " do not have the same rank");
  }
  const bool left = pixels_of(*matrix.left) != 1;
  const bool right = pixels_of(*matrix.right) != 1;
  if ((left && right) || (matrix.core != nullptr && (left || right))) {
    throw FileError(where + ": " + pair + " both have a kernel, or one beside that of mid: not supported");
  }
}

std::string show_parts(const LoraMatrix& matrix) {
  if (matrix.whole != nullptr) {
    return show_shape(*matrix.whole);
  }
  return "down " + show_shape(*matrix.right) + " and up " + show_shape(*matrix.left);
}

[[noreturn]] void fail_to_fit(const LoraChange& change, const LayerShape& shape, const std::string& where) {
  throw FileError(where + ": " + show_parts(change.first) +
                  (change.kind == LoraChange::Kind::lora ? "" : " with " + show_parts(change.second)) +
                  " do not fit a weight of " + std::to_string(shape.out) + " x " +
                  std::to_string(shape.in * shape.pixels) + "; the file is made for another kind of model");
}

/// True if product == a * b. Cannot overflow.
bool is_product(std::int64_t product, std::int64_t a, std::int64_t b) {
  return product % a == 0 && product / a == b;
}

void check_fits(const LoraChange& change, const LayerShape& shape, const std::string& where) {
  const Extent wanted{shape.out, shape.in * shape.pixels};
  const Extent first = extent_of(change.first);
  bool fits = first == wanted;
  if (change.kind == LoraChange::Kind::loha) {
    fits = fits && extent_of(change.second) == wanted;
  } else if (change.kind == LoraChange::Kind::lokr) {
    const Extent second = extent_of(change.second);
    fits = is_product(wanted.rows, first.rows, second.rows) &&
           is_product(wanted.columns, first.columns, second.columns);
  }
  if (!fits) {
    fail_to_fit(change, shape, where);
  }
  if (change.lengths != nullptr) {
    const std::int64_t units = change.lengths_of_inputs ? shape.in : shape.out;
    if (change.lengths->elements() != units) {
      throw FileError(where + ": DoRA's lengths " + show_shape(*change.lengths) + " are not the " +
                      std::to_string(units) + " of this layer");
    }
  }
}

}  // namespace

void check_parts(const LoraChange& change, const std::string& where) {
  check_matrix(change.first, where);
  if (change.kind != LoraChange::Kind::lora) {
    check_matrix(change.second, where);
  }
  if (change.lengths != nullptr) {
    check_numbers(*change.lengths, where);
  }
}

void check_change(const LoraChange& change, const LayerShape& shape, const std::string& where) {
  check_parts(change, where);
  check_fits(change, shape, where);
}

void apply_change(const LoraChange& change, float scale, const LayerShape& shape, std::span<const float> base,
                  std::span<float> weight) {
  const float factor = scale * change.factor;
  if (change.lengths == nullptr) {
    add_delta(change, factor, weight);
    return;
  }
  std::vector<float> factors;
  if (base.data() == weight.data()) {
    add_delta(change, factor, weight);
    factors = length_factors(change, shape, weight);
  } else {
    std::vector<float> alone(base.begin(), base.end());
    add_delta(change, factor, alone);
    factors = length_factors(change, shape, alone);
    add_delta(change, factor, weight);
  }
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight[i] *= factors[unit_of(change, shape, i)];
  }
}

}  // namespace streamdiffusion
