#include "device/cuda/computer.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>
#include <variant>

#include "core/round_up.h"
#include "device/cuda/conv_geometry.h"
#include "device/cuda/kernels.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cuda {

namespace {

// Maximum number of scores that attend_in_steps holds at a time.
// They take 64 MiB in float32, little beside the weights.
constexpr std::int64_t kMostScores = std::int64_t{16} << 20U;

std::int64_t bytes_of(const Shape& shape, DType type) {
  return shape.elements() * static_cast<std::int64_t>(size_of(type));
}

Tensor dense(void* data, const Shape& shape, DType type) { return {data, shape, shape.c, type}; }

/// Returns some rows as a single one whose tokens are concatenated.
Tensor concatenate_rows(const Tensor& tensor, const RowRange& rows) {
  Tensor batch = tensor.rows(rows.first, rows.count);
  batch.shape = {1, 1, rows.count * tensor.shape.h * tensor.shape.w, tensor.shape.c};
  return batch;
}

Convolution describe(const recording::Conv2dCommand& command, const ConvGeometry& geometry,
                     std::int64_t in_stride) {
  const PackedMatrix& weights = matrix_of(command.weights);
  const Conv2dOptions& options = command.options;
  return {.type = command.x.dtype,
          .n = geometry.in.n,
          .in_h = geometry.in.h,
          .in_w = geometry.in.w,
          .in_c = geometry.in.c,
          .in_stride = in_stride,
          .out_h = geometry.out.h,
          .out_w = geometry.out.w,
          .out_c = geometry.out.c,
          .out_stride = command.out.stride,
          .kernel = weights.layout().kernel,
          .step = geometry.step,
          .padding = geometry.padding,
          .bias = weights.bias().data() != nullptr,
          .row_bias_stride = options.row_bias.empty() ? 0 : options.row_bias.stride,
          .residual_stride = options.residual.empty() ? 0 : options.residual.stride,
          .activation = options.activation};
}

/// Returns the convolution without its epilogue and with a dense output.
Convolution without_epilogue(Convolution convolution) {
  convolution.out_stride = convolution.out_c;
  convolution.bias = false;
  convolution.row_bias_stride = 0;
  convolution.residual_stride = 0;
  convolution.activation = Activation::none;
  return convolution;
}

/// True if cuDNN's kernels can access the tensor: its address and stride are multiples of 16 bytes.
bool is_aligned_for_cudnn(const Tensor& tensor) {
  return tensor.empty() || (alignment_of(tensor.data) >= 16 &&
                            tensor.stride * static_cast<std::int64_t>(size_of(tensor.dtype)) % 16 == 0);
}

}  // namespace

Computer::Computer(Device& device, cudaStream_t stream, recording::Scratch& scratch, DType type)
    : stream_(stream), scratch_(scratch), type_(type), cudnn_(device, stream), matmul_(device) {}

void Computer::run(const recording::Commands& commands, const float* factors) {
  commands_ = &commands;
  factors_ = factors;
  for (const recording::Command& command : commands.list) {
    std::visit([this](const auto& one) { run(one); }, command);
  }
}

// ---- convolutions

void Computer::run(const recording::Conv2dCommand& command) {
  const PackedMatrix& weights = matrix_of(command.weights);
  const Matrix& layout = weights.layout();
  const Conv2dOptions& options = command.options;
  assert(command.x.shape.c == layout.in_channels && command.out.shape.c == layout.out_channels);
  if (layout.kernel == 1 && layout.resample == Resample::none && options.row_bias.empty()) {
    run(recording::LinearCommand{
        command.x, command.weights, {options.residual, options.activation}, command.out});
    return;
  }
  const ConvGeometry geometry =
      conv_geometry(command.x.shape, layout.kernel, layout.resample, options.padding, command.out.shape);
  const bool fits = geometry.out.c == command.out.shape.c && is_aligned_for_cudnn(command.out) &&
                    is_aligned_for_cudnn(options.residual) && is_aligned_for_cudnn(options.row_bias);
  if (fits && !geometry.gather && is_aligned_for_cudnn(command.x) &&
      convolve_fused(command, describe(command, geometry, command.x.stride))) {
    return;
  }
  // Gathers the input if needed, and tries the fused convolution again. Without a fused engine, the bare
  // convolution writes to scratch memory, and `finish` applies the epilogue.
  const Convolution dense_input = describe(command, geometry, geometry.in.c);
  const std::optional<std::int64_t> fused = fits ? cudnn_.workspace(dense_input) : std::nullopt;
  const std::optional<std::int64_t> workspace =
      fused ? fused : cudnn_.workspace(without_epilogue(dense_input));
  if (!workspace) {
    throw DeviceError("cuDNN has no engine for a convolution of " + std::to_string(geometry.in.c) + " to " +
                      std::to_string(geometry.out.c) + " channels in " + to_string(type_) +
                      "; another version of cuDNN 9 may, or use the device \"cpu\"");
  }
  recording::ScratchPlan plan;
  const std::size_t x_place = plan.add(bytes_of(geometry.in, type_));
  const std::size_t out_place = plan.add(fused ? 0 : bytes_of(geometry.out, type_));
  const std::size_t workspace_place = plan.add(*workspace);
  std::byte* const memory = scratch_.get(plan);

  Tensor x = command.x;
  if (geometry.gather || !x.dense() || !is_aligned_for_cudnn(x)) {
    x = dense(memory + x_place, geometry.in, type_);
    gather(stream_, command.x, geometry, x);
  }
  ConvolutionData data{.x = x.data, .weights = weights.weights().data()};
  if (fused) {
    data.bias = weights.bias().data();
    data.row_bias = options.row_bias.data;
    data.residual = options.residual.data;
    data.out = command.out.data;
    cudnn_.run(dense_input, data, memory + workspace_place);
    return;
  }
  data.out = memory + out_place;
  cudnn_.run(without_epilogue(dense_input), data, memory + workspace_place);
  Tensor sums = dense(data.out, geometry.out, type_);
  sums.shape.c = command.out.shape.c;
  finish(stream_, sums, weights.bias().data(), options.row_bias, options.residual, options.activation,
         command.out);
}

/// Runs the convolution with its epilogue, without copying the input. Returns false if cuDNN has no engine
/// for that.
bool Computer::convolve_fused(const recording::Conv2dCommand& command, const Convolution& convolution) {
  const std::optional<std::int64_t> workspace = cudnn_.workspace(convolution);
  if (!workspace) {
    return false;
  }
  const PackedMatrix& weights = matrix_of(command.weights);
  recording::ScratchPlan plan;
  plan.add(*workspace);
  cudnn_.run(convolution,
             {.x = command.x.data,
              .weights = weights.weights().data(),
              .bias = weights.bias().data(),
              .row_bias = command.options.row_bias.data,
              .residual = command.options.residual.data,
              .out = command.out.data},
             scratch_.get(plan));
  return true;
}

// ---- linear layers

void Computer::run(const recording::LinearCommand& command) {
  const PackedMatrix& weights = matrix_of(command.weights);
  const LinearOptions& options = command.options;
  assert(command.x.shape.c == weights.layout().in_channels);
  if (weights.layout().geglu) {
    Shape inner = command.out.shape;
    inner.c = weights.layout().out_channels;
    recording::ScratchPlan plan;
    plan.add(bytes_of(inner, type_));
    const Tensor both = dense(scratch_.get(plan), inner, type_);
    multiply(command.x, weights, {}, both);
    geglu(stream_, both, options.residual, options.activation, command.out);
    return;
  }
  multiply(command.x, weights, options.residual, command.out);
  if (options.activation != Activation::none) {
    map(stream_, command.out, 1.0F, options.activation, 1.0F, 0.0F, command.out);
  }
}

void Computer::multiply(const Tensor& x, const PackedMatrix& weights, const Tensor& residual,
                        const Tensor& out) {
  const Matrix& layout = weights.layout();
  const Product product{.type = type_,
                        .result = type_,
                        .b_is_n_by_k = true,
                        .m = x.shape.pixels(),
                        .n = layout.out_channels,
                        .k = layout.in_channels,
                        .stride_a = x.stride,
                        .stride_b = layout.padded_in_channels,
                        .stride_c = residual.empty() ? 0 : residual.stride,
                        .stride_d = out.stride,
                        .bias = weights.bias().data() != nullptr};
  matmul_.run(stream_, product, 1.0F, x.data, weights.weights().data(), residual.data, weights.bias().data(),
              out.data);
}

// ---- attention

void Computer::run(const recording::AttentionCommand& command) {
  if (command.key_rows == 0) {
    attend(command.q, command.k, command.v, command.heads, command.causal, command.out);
    return;
  }
  recording::group_rows(commands_->key_rows_of(command), command.causal, groups_);
  for (const recording::AttentionGroup& group : groups_) {
    attend(concatenate_rows(command.q, group.queries), concatenate_rows(command.k, group.keys),
           concatenate_rows(command.v, group.keys), command.heads, command.causal,
           concatenate_rows(command.out, group.queries));
  }
}

/// Computes attention in which row i attends to row i.
void Computer::attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal,
                      const Tensor& out) {
  const FusedAttention attention{.type = type_,
                                 .n = q.shape.n,
                                 .heads = heads,
                                 .head_dim = q.shape.c / heads,
                                 .queries = q.shape.h * q.shape.w,
                                 .keys = k.shape.h * k.shape.w,
                                 .q_stride = q.stride,
                                 .k_stride = k.stride,
                                 .v_stride = v.stride,
                                 .out_stride = out.stride,
                                 .causal = causal};
  const bool fits = type_ != DType::f32 && attention.head_dim % 8 == 0 && is_aligned_for_cudnn(q) &&
                    is_aligned_for_cudnn(k) && is_aligned_for_cudnn(v) && is_aligned_for_cudnn(out);
  const std::optional<std::int64_t> workspace = fits ? cudnn_.workspace(attention) : std::nullopt;
  if (!workspace) {
    attend_in_steps(attention, q, k, v, out);
    return;
  }
  recording::ScratchPlan plan;
  plan.add(*workspace);
  cudnn_.run(attention, q.data, k.data, v.data, out.data, scratch_.get(plan));
}

/// Computes attention without a fused engine: for some queries at a time, the float32 scores, their softmax,
/// and the product with the values.
void Computer::attend_in_steps(const FusedAttention& a, const Tensor& q, const Tensor& k, const Tensor& v,
                               const Tensor& out) {
  const std::int64_t line = round_up(a.keys, kChannelMultiple);
  const std::int64_t at_a_time = std::clamp<std::int64_t>(kMostScores / (a.heads * line), 1, a.queries);
  const std::int64_t lines = a.heads * at_a_time;
  recording::ScratchPlan plan;
  const std::size_t scores_place = plan.add(lines * line * static_cast<std::int64_t>(sizeof(float)));
  const std::size_t weights_place = plan.add(lines * line * static_cast<std::int64_t>(size_of(type_)));
  std::byte* const memory = scratch_.get(plan);
  auto* const scores = reinterpret_cast<float*>(memory + scores_place);
  std::byte* const weights = memory + weights_place;
  const float scale = 1.0F / std::sqrt(static_cast<float>(a.head_dim));
  for (std::int64_t row = 0; row < a.n; ++row) {
    for (std::int64_t first = 0; first < a.queries; first += at_a_time) {
      const std::int64_t count = std::min(at_a_time, a.queries - first);
      const auto queries_of = [&](const Tensor& tensor) {
        return static_cast<std::byte*>(tensor.rows(row, 1).data) +
               first * tensor.stride * static_cast<std::int64_t>(size_of(type_));
      };
      Product product{.type = type_,
                      .result = DType::f32,
                      .b_is_n_by_k = true,
                      .m = count,
                      .n = a.keys,
                      .k = a.head_dim,
                      .stride_a = a.q_stride,
                      .stride_b = a.k_stride,
                      .stride_d = line,
                      .count = a.heads,
                      .batch_a = a.head_dim,
                      .batch_b = a.head_dim,
                      .batch_d = count * line};
      matmul_.run(stream_, product, scale, queries_of(q), k.rows(row, 1).data, nullptr, nullptr, scores);
      softmax(stream_, {a.heads * count, a.keys, line, count, first, a.causal}, scores, type_, weights);
      product = {.type = type_,
                 .result = type_,
                 .b_is_n_by_k = false,
                 .m = count,
                 .n = a.head_dim,
                 .k = a.keys,
                 .stride_a = line,
                 .stride_b = a.v_stride,
                 .stride_d = a.out_stride,
                 .count = a.heads,
                 .batch_a = count * line,
                 .batch_b = a.head_dim,
                 .batch_d = a.head_dim};
      matmul_.run(stream_, product, 1.0F, weights, v.rows(row, 1).data, nullptr, nullptr, queries_of(out));
    }
  }
}

// ---- operations that only our own kernels compute

void Computer::run(const recording::GroupNormCommand& command) {
  recording::ScratchPlan plan;
  plan.add(group_norm_bytes(command.x.shape, command.groups));
  group_norm(stream_, command.x, vector_of(command.gain), vector_of(command.shift), command.groups,
             command.epsilon, command.activation, reinterpret_cast<float*>(scratch_.get(plan)), command.out);
}

void Computer::run(const recording::LayerNormCommand& command) {
  layer_norm(stream_, command.x, vector_of(command.gain), vector_of(command.shift), command.epsilon,
             command.out);
}

void Computer::run(const recording::MapCommand& command) {
  map(stream_, command.x, command.scale, command.activation, command.out_scale, command.shift, command.out);
}

void Computer::run(const recording::CopyCommand& command) { copy(stream_, command.x, command.out); }

void Computer::run(const recording::AddCommand& command) { add(stream_, command.x, command.y, command.out); }

void Computer::run(const recording::CombineCommand& command) {
  if (factors_ != nullptr) {
    combine(stream_, command.x, command.y, factors_ + command.first_factor, command.out);
  } else {
    combine(stream_, command.x, commands_->a_of(command), command.y, commands_->b_of(command), command.out);
  }
}

}  // namespace streamdiffusion::cuda
