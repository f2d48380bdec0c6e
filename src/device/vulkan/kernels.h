#pragma once

#include <cstdint>
#include <initializer_list>

#include "device/device.h"
#include "device/vulkan/packed.h"
#include "device/vulkan/pipelines.h"
#include "device/vulkan/queue.h"

namespace streamdiffusion::vulkan {

/// The arguments of a matrix product beside its weights: those of Device::conv2d and Device::linear.
struct ProductArguments {
  Tensor x;
  std::int64_t padding = 0;
  Tensor row_bias{};
  Tensor residual{};
  Activation activation = Activation::none;
  Tensor out;
};

/// Attention of some rows of queries. Row first_row + i attends to `key_rows` rows of k and v, from row
/// first_key_row + i * key_row_step on.
struct AttentionArguments {
  Tensor q;
  Tensor k;
  Tensor v;
  Tensor out;
  std::int64_t heads = 1;
  bool causal = false;
  std::int64_t first_row = 0;
  std::int64_t rows = 1;
  std::int64_t first_key_row = 0;
  std::int64_t key_row_step = 0;
  std::int64_t key_rows = 1;
};

/// Adds our shaders to command lists. Tensors are in GPU memory, in float32 or float16 each.
class Kernels {
 public:
  explicit Kernels(SharedContext context) : context_(context), pipelines_(std::move(context)) {}

  void multiply(CommandList& list, const PackedMatrix& weights, const ProductArguments& arguments);
  void attend(CommandList& list, const AttentionArguments& arguments);
  void map(CommandList& list, const Tensor& x, float scale, Activation activation, float out_scale,
           float shift, const Tensor& out);
  void copy(CommandList& list, const Tensor& x, const Tensor& out);
  void add(CommandList& list, const Tensor& x, const Tensor& y, const Tensor& out);
  /// `factors` has `a` of each row, then `b` of each row, in float32.
  void combine(CommandList& list, const Tensor& x, const Tensor& y, Address factors, const Tensor& out);

  /// Size of the `statistics` of group_norm.
  static std::size_t statistics_bytes(const Shape& shape, std::int64_t groups);
  void group_norm(CommandList& list, const Tensor& x, const PackedVector& gain, const PackedVector& shift,
                  std::int64_t groups, float epsilon, Activation activation, Address statistics,
                  const Tensor& out);
  void layer_norm(CommandList& list, const Tensor& x, const PackedVector& gain, const PackedVector& shift,
                  float epsilon, const Tensor& out);

  /// tensor = pixel * scale / 255 + shift. The pixels' memory ends with a whole word of four bytes.
  void from_pixels(CommandList& list, Address pixels, float scale, float shift, const Tensor& tensor);
  /// pixel = (tensor * scale + shift) * 255, rounded and clamped.
  void to_pixels(CommandList& list, const Tensor& tensor, float scale, float shift, Address pixels);

  /// Number of parts of the sums of dot_products.
  static constexpr std::uint32_t kDotParts = 64;
  /// Writes the sums of x y, x x and y y to `sums`, [kDotParts][3] in float32, as parts to be added up.
  void dot_products(CommandList& list, const Tensor& x, const Tensor& y, Address sums);

  /// Writes the weights of `count` output channels from `first` on, [count][in][tap] in float32, to their
  /// places in `out`, which has the layout of `matrix`.
  void pack_weights(CommandList& list, const Matrix& matrix, Address weights, std::int64_t first,
                    std::int64_t count, const Buffer& out);

 private:
  struct Groups {
    std::uint32_t x = 1;
    std::uint32_t y = 1;
    std::uint32_t z = 1;
  };

  template <typename Arguments>
  void dispatch(CommandList& list, Shader shader, std::initializer_list<std::uint32_t> constants,
                const Arguments& arguments, Groups groups, std::initializer_list<Region> reads,
                std::initializer_list<Region> writes);
  struct Elementwise;
  void run(CommandList& list, const Elementwise& operation);

  SharedContext context_;
  Pipelines pipelines_;
};

}  // namespace streamdiffusion::vulkan
