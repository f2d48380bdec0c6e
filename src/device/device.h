#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/tensor.h"

namespace streamdiffusion {

/// Memory of a device. Freed with the object; move-only.
class Buffer {
 public:
  Buffer() = default;
  /// `free` is called once with `data` and `bytes`; it must not throw.
  Buffer(void* data, std::size_t bytes, std::function<void(void*, std::size_t)> free);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::function<void(void*, std::size_t)> free_;
};

/// What an operation applies to each result, after bias and residual.
enum class Activation { none, silu, relu, gelu, quick_gelu, tanh };

/// Weights packed for one device, made once at load. Immutable; the layout is the device's own and serves
/// every size and number of rows.
class PackedWeights {
 public:
  virtual ~PackedWeights() = default;
};
using Weights = std::shared_ptr<const PackedWeights>;

/// What a layer is computed in. Activations between layers are as the device has them.
enum class Precision {
  f32,
  bf16,  ///< weights and inputs rounded to bfloat16, where the device has it and gains from it; else as f32
  /// As bf16, or weights and inputs rounded to whole numbers of 16 bits, where they are as exact and faster.
  int16,
  int8,  ///< weights and inputs rounded to 8 bits, where the device has it and gains from it; else as f32
};

/// How a convolution changes the resolution.
enum class Resample {
  none,
  down,  ///< every second position of each direction (stride 2)
  up,    ///< its input is read as if enlarged twofold (nearest) before it
};

/// A convolution's weights on the host: [out][in][kernel][kernel], float32, PyTorch's order.
struct HostConv2d {
  std::span<const float> weight;
  std::span<const float> bias;  ///< [out], or empty
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  Precision precision = Precision::f32;
  /// Sides of the pictures that it will mostly see, which may decide how it is packed; 0: not known.
  std::int64_t side = 0;
};

/// A linear layer's weights on the host: [out][in], float32.
struct HostLinear {
  std::span<const float> weight;
  std::span<const float> bias;  ///< [out], or empty
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  /// The first half of the outputs is multiplied by gelu of the second half: out_channels / 2 results
  /// (GEGLU).
  bool geglu = false;
  Precision precision = Precision::f32;
};

struct Conv2dOptions {
  std::int64_t padding = 0;  ///< zeros above and left; below and right as many as the output's size asks for
  Tensor row_bias{};  ///< [n, 1, 1, c], added to every pixel of row n (a resnet's time embedding), or empty
  Tensor residual{};  ///< like the output, added before the activation, or empty
  Activation activation = Activation::none;
  bool operator==(const Conv2dOptions&) const = default;
};

/// A convolution of a chain.
struct Conv2dStep {
  const PackedWeights* weights = nullptr;
  Conv2dOptions options;
  Tensor out;
};

struct LinearOptions {
  Tensor residual{};  ///< like the output, added before the activation, or empty
  Activation activation = Activation::none;
  bool operator==(const LinearOptions&) const = default;
};

/// Rows of a batch that lie next to one another.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 1;
  bool operator==(const RowRange&) const = default;
};

struct AttentionOptions {
  std::int64_t heads = 1;
  bool causal = false;
  /// For each row of queries, the rows whose keys and values it attends to, one after the other. Empty: row i
  /// attends to row i.
  std::span<const RowRange> key_rows{};
  /// Less than f32: inputs and weights may be rounded to bfloat16 where the device gains by it.
  Precision precision = Precision::f32;
};

/// The operations that the networks and the stream consist of, on one device.
///
/// Tensors lie in the device's memory, channels last. Outputs must not overlap inputs unless said otherwise.
/// All operations are queued in order; what gives numbers to the host, and `synchronize`, wait for them. To
/// be called from one thread at a time. Operations allocate nothing after they have run once with a shape.
class Device {
 public:
  virtual ~Device() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// The instruction set that its kernels use, where they are compiled for several.
  [[nodiscard]] virtual std::string instruction_set() const { return ""; }
  /// Floating-point operations that it has been asked for, where it counts them.
  [[nodiscard]] virtual double operations() const { return 0; }
  /// The type of activations.
  [[nodiscard]] virtual DType dtype() const = 0;
  /// The type of what few numbers must not lose digits in: latents, noise, embeddings of prompts and times.
  /// Operations take both types, in any mixture.
  [[nodiscard]] virtual DType precise_dtype() const { return dtype(); }

  /// Whether one convolution that does what two do, and a few small ones for the rim of the picture, take
  /// less time where they are less work: not where it is their number that takes the time.
  [[nodiscard]] virtual bool gains_by_joined_convolutions() const { return false; }

  /// Throws Error where it does not fit into what memory the device has.
  virtual Buffer allocate(std::size_t bytes) = 0;
  virtual void synchronize() = 0;

  /// Calls `operations` once. What it asks of the device may be queued when it has returned, so that a device
  /// that has met the same operations on the same memory before can start all of them at once. Nothing in
  /// there should need numbers on the host.
  virtual void sequence(const std::function<void()>& operations) { operations(); }

  /// Numbers of the host as activations, and back. The tensor is dense and has as many elements.
  virtual void upload(std::span<const float> host, const Tensor& out) = 0;
  virtual void download(const Tensor& x, std::span<float> host) = 0;

  virtual Weights pack_conv2d(const HostConv2d& host) = 0;
  virtual Weights pack_linear(const HostLinear& host) = 0;
  /// A vector of parameters (a norm's gain or shift).
  virtual Weights pack_vector(std::span<const float> host) = 0;

  /// out[n, y, x, :] = activation(weights * x + bias + row_bias + residual). Any out.h, out.w whose receptive
  /// fields start inside the input. `residual` may be `out` itself.
  virtual void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
                      const Tensor& out) = 0;

  /// Convolutions, the first of `x`, each other one of the result before it. Only the last result counts: the
  /// others' `out` are room that the device may use. A residual is `x` or another tensor that no step writes.
  virtual void conv2d_chain(const Tensor& x, std::span<const Conv2dStep> steps) {
    Tensor in = x;
    for (const Conv2dStep& step : steps) {
      conv2d(in, *step.weights, step.options, step.out);
      in = step.out;
    }
  }

  /// The same for a matrix, over the channels of every pixel or token. `residual` may be `out` itself.
  virtual void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
                      const Tensor& out) = 0;

  /// Normalises over groups of channels and all pixels of a row, then gain, shift and activation.
  virtual void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift,
                          std::int64_t groups, float epsilon, Activation activation, const Tensor& out) = 0;

  /// Normalises over the channels of each token. `out` may be `x`.
  virtual void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift,
                          float epsilon, const Tensor& out) = 0;

  /// softmax(q k^T / sqrt(d)) v for each head; q [n, 1, tq, heads * d], k and v [m, 1, tk, heads * d], out
  /// like q. Pixels count as tokens. Holds no tokens x tokens matrix.
  virtual void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                         const Tensor& out) = 0;

  /// out = activation(x * scale) * out_scale + shift, element by element. `out` may be `x`.
  virtual void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
                   const Tensor& out) = 0;

  /// out = x, where either may be a slice of channels.
  virtual void copy(const Tensor& x, const Tensor& out) = 0;

  /// out = a * x + b * y with one a and b for each row; `out` may be `x` or `y`.
  virtual void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
                       const Tensor& out) = 0;

  /// Cosine similarity of two tensors of one shape, on the host.
  virtual float cosine_similarity(const Tensor& x, const Tensor& y) = 0;

  /// 8-bit RGB on the host, [n][h][w][3], to value * scale / 255 + shift on the device.
  virtual void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) = 0;

  /// (x * scale + shift) * 255, rounded and clamped to 8 bits, to the host.
  virtual void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) = 0;

  /// Brings `weights` to where `old` lies, another packing of the same layer, which nobody uses any more nor
  /// will: a device that has recorded a sequence with `old` repeats it with `weights`.
  virtual void keep_place(const PackedWeights& /*weights*/, const PackedWeights& /*old*/) {}
};

}  // namespace streamdiffusion
