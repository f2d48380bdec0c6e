#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/tensor.h"
#include "device/timestamp.h"

namespace streamdiffusion {

/// A block of device memory, freed with the object. Move-only.
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

/// The function that an operation applies to each result, after bias and residual.
enum class Activation { none, silu, relu, gelu, quick_gelu, tanh };

/// Weights of one layer, packed for one device when the model is loaded. The layout is private to the device
/// and valid for every image size and batch size. Their address never changes, and their contents change only
/// by Device::update_weights.
class PackedWeights {
 public:
  virtual ~PackedWeights() = default;
};
using Weights = std::shared_ptr<const PackedWeights>;

/// New contents for the weights of a layer.
struct WeightUpdate {
  const PackedWeights* slot = nullptr;      ///< The weights whose contents are replaced.
  const PackedWeights* contents = nullptr;  ///< Another packing of the same layer by the same device.
};

/// The number format that a layer is computed in. The device chooses the type of activations between layers.
enum class Precision {
  f32,
  bf16,  ///< Weights and inputs rounded to bfloat16 if that is faster on the device, else f32.
  /// As bf16, or weights and inputs quantised to int16 where that is as exact and faster.
  int16,
  int8,  ///< Weights and inputs quantised to int8 if that is faster on the device, else f32.
};

/// How a convolution changes the resolution.
enum class Resample {
  none,
  down,  ///< Stride 2 in each direction.
  /// The input is read as if upsampled by 2 (nearest neighbour) and cropped to the output's size.
  up,
};

/// A convolution's float32 weights in host memory.
struct HostConv2d {
  std::span<const float> weight;  ///< [out][in][kernel][kernel], as in PyTorch.
  std::span<const float> bias;    ///< [out], or empty.
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  Precision precision = Precision::f32;
  /// Typical width and height of the input in pixels, a hint for choosing the packing; 0: unknown.
  std::int64_t typical_size = 0;
};

/// A linear layer's float32 weights in host memory.
struct HostLinear {
  std::span<const float> weight;  ///< [out][in].
  std::span<const float> bias;    ///< [out], or empty.
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  /// GEGLU: multiplies the first half of the outputs by gelu of the second half. The layer then has
  /// out_channels / 2 results.
  bool geglu = false;
  Precision precision = Precision::f32;
};

struct Conv2dOptions {
  /// Lines and columns of zeros above and left of the input. The output's size determines the padding below
  /// and right.
  std::int64_t padding = 0;
  Tensor row_bias{};  ///< [n, 1, 1, c], added to every pixel of row n (a resnet's time embedding), or empty.
  Tensor residual{};  ///< Added to the output before the activation; has its shape, or is empty.
  Activation activation = Activation::none;
  bool operator==(const Conv2dOptions&) const = default;
};

/// One convolution of a chain.
struct Conv2dStep {
  const PackedWeights* weights = nullptr;
  Conv2dOptions options;
  Tensor out;
};

struct LinearOptions {
  Tensor residual{};  ///< Added to the output before the activation; has its shape, or is empty.
  Activation activation = Activation::none;
  bool operator==(const LinearOptions&) const = default;
};

/// Consecutive rows of a batch.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 1;
  bool operator==(const RowRange&) const = default;
};

struct AttentionOptions {
  std::int64_t heads = 1;
  bool causal = false;
  /// For each row of queries, the rows whose keys and values it attends to, concatenated. Empty: row i
  /// attends to row i.
  std::span<const RowRange> key_rows{};
  /// Any value but f32 permits the device to round inputs and attention weights to a smaller type.
  Precision precision = Precision::f32;
};

/// Properties of a device that describe it to users, or that networks choose their layers by.
struct DeviceTraits {
  std::string name;
  /// The instruction set that the kernels use, or empty if they are compiled for only one.
  std::string instruction_set{};
  /// True if replacing two convolutions by one composed convolution, with small extra ones for the image
  /// border, saves time. False where the time depends on the number of operations more than on their work.
  bool gains_by_joined_convolutions = false;
};

/// A compute device: the operations that networks and streams consist of.
///
/// Tensors lie in the device's memory, channels last. Outputs must not overlap inputs unless stated
/// otherwise. Operations are queued and run in order. Those that return values to the host wait for all
/// earlier ones, as `synchronize` does. An operation allocates nothing after its first run with a shape. A
/// device must be called from one thread at a time.
///
/// Host memory belongs to the caller again as soon as a function returns. Arguments in host memory (pixels,
/// values, weights, spans of factors or row ranges) have been read by then, and results have been written.
class Device {
 public:
  virtual ~Device() = default;

  [[nodiscard]] virtual DeviceTraits traits() const = 0;
  /// The type of activations.
  [[nodiscard]] virtual DType dtype() const = 0;
  /// The type of small tensors that need full precision: latents, noise, prompt and time embeddings.
  /// Operations accept tensors of both types, in any combination.
  [[nodiscard]] virtual DType precise_dtype() const { return dtype(); }

  /// Allocates device memory. Throws Error if the device does not have enough.
  virtual Buffer allocate(std::size_t bytes) = 0;
  /// Waits until all queued operations have finished.
  virtual void synchronize() = 0;
  /// Returns a timestamp that the device sets; it must not outlive the device. A device that computes each
  /// operation before its function returns need not override this.
  [[nodiscard]] virtual std::unique_ptr<Timestamp> make_timestamp() {
    return std::make_unique<HostTimestamp>();
  }

  /// Calls `operations` once. The device may collect the operations that it requests and run them afterwards.
  /// A device that has already run the same operations on the same memory can then start them all at once,
  /// with the present contents of tensors and weights and the present factors of `combine`. `operations`
  /// should not read values back to the host.
  virtual void sequence(const std::function<void()>& operations) { operations(); }

  /// Copies host values to `out`, converted to its type. `out` is dense and has as many elements.
  virtual void upload(std::span<const float> host, const Tensor& out) = 0;
  /// Copies `x` to the host, converted to float32. `x` is dense and has as many elements.
  virtual void download(const Tensor& x, std::span<float> host) = 0;

  virtual Weights pack_conv2d(const HostConv2d& host) = 0;
  virtual Weights pack_linear(const HostLinear& host) = 0;
  /// Packs a vector of parameters, such as a norm's gain or shift.
  virtual Weights pack_vector(std::span<const float> host) = 0;

  /// out[n, y, x, :] = activation(weights * x + bias + row_bias + residual). out.h and out.w may have any
  /// values for which no receptive field starts beyond the input's end. `residual` may be `out` itself.
  virtual void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
                      const Tensor& out) = 0;

  /// Runs convolutions one after another: the first on `x`, each later one on the result before it. Only the
  /// last `out` is defined afterwards; the others are buffers that the device may use. A residual must be `x`
  /// or another tensor that no step writes.
  virtual void conv2d_chain(const Tensor& x, std::span<const Conv2dStep> steps) {
    Tensor in = x;
    for (const Conv2dStep& step : steps) {
      conv2d(in, *step.weights, step.options, step.out);
      in = step.out;
    }
  }

  /// out = activation(weights * x + bias + residual), over the channels of every pixel or token. `residual`
  /// may be `out` itself.
  virtual void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
                      const Tensor& out) = 0;

  /// Normalises each group of channels over all pixels of a row, then applies gain, shift and activation.
  virtual void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift,
                          std::int64_t groups, float epsilon, Activation activation, const Tensor& out) = 0;

  /// Normalises over the channels of each token, then applies gain and shift. `out` may be `x`.
  virtual void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift,
                          float epsilon, const Tensor& out) = 0;

  /// out = softmax(q k^T / sqrt(d)) v for each head. q and out are [n, 1, tq, heads * d], k and v
  /// [m, 1, tk, heads * d]; pixels count as tokens. The matrix of tq x tk scores is never held as a whole.
  virtual void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                         const Tensor& out) = 0;

  /// out = activation(x * scale) * out_scale + shift, element by element. `out` may be `x`.
  virtual void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
                   const Tensor& out) = 0;

  /// out = x. Either may be a slice of channels.
  virtual void copy(const Tensor& x, const Tensor& out) = 0;

  /// out = x + y. All may be slices of channels, and `out` may be `x` or `y`.
  virtual void add(const Tensor& x, const Tensor& y, const Tensor& out) = 0;

  /// out = a * x + b * y, with one value of `a` and `b` for each row. `out` may be `x` or `y`.
  virtual void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
                       const Tensor& out) = 0;

  /// Returns the cosine similarity of two dense tensors of the same shape.
  virtual float cosine_similarity(const Tensor& x, const Tensor& y) = 0;

  /// out = value * scale / 255 + shift, from 8-bit RGB values [n][h][w][3] in host memory.
  virtual void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) = 0;

  /// Writes (x * scale + shift) * 255, rounded and clamped to 0 to 255, to host memory [n][h][w][3].
  virtual void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) = 0;

  /// Copies the contents of each update into its slot. A device that has recorded a sequence with the slots
  /// then repeats it with the new contents. Returns false, and changes nothing, if the device records nothing
  /// or a layer's packings have different layouts.
  virtual bool update_weights(std::span<const WeightUpdate> /*updates*/) { return false; }
};

}  // namespace streamdiffusion
