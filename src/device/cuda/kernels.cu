#include <algorithm>
#include <limits>

#include "core/round_up.h"
#include "device/cuda/elementwise.h"
#include "device/cuda/errors.h"
#include "device/cuda/kernels.h"
#include "device/cuda/reductions.h"

namespace streamdiffusion::cuda {

namespace {

constexpr std::uint32_t kThreads = 256;
constexpr std::uint32_t kMostBlocks = 64;             // at most, for a row of a group norm
constexpr std::int64_t kPacksWorthABlock = 256 * 4;   // packs of 8 channels for each such block
constexpr std::size_t kMostSharedBytes = 48U << 10U;  // available to a block on every GPU

template <typename Element>
__global__ void for_each_element(const Element element, std::uint32_t count) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i < count) {
    element(i);
  }
}

template <typename Block>
__global__ void __launch_bounds__(Block::kThreads) for_each_block(const Block block) {
  extern __shared__ float shared[];
#pragma unroll
  for (int phase = 0; phase < Block::kPhases; ++phase) {
    if (phase > 0) {
      __syncthreads();
    }
    block.run(phase, {blockIdx.x, blockIdx.y}, threadIdx.x, shared);
  }
}

template <typename Element>
void launch(cudaStream_t stream, std::int64_t count, const Element& element) {
  if (count == 0) {
    return;
  }
  if (count > std::numeric_limits<std::int32_t>::max()) {
    throw DeviceError("a tensor is too large for the CUDA device; use a smaller size or batch");
  }
  const auto blocks = static_cast<std::uint32_t>(divide_up(count, kThreads));
  for_each_element<<<blocks, kThreads, 0, stream>>>(element, static_cast<std::uint32_t>(count));
  check(cudaGetLastError(), "launching a kernel");
}

template <typename Block>
void launch_blocks(cudaStream_t stream, std::int64_t x, std::int64_t y, const Block& block) {
  if (x == 0 || y == 0) {
    return;
  }
  const std::size_t bytes = block.shared_floats() * sizeof(float);
  if (bytes > kMostSharedBytes || x > std::numeric_limits<std::int32_t>::max() || y > 65535) {
    throw DeviceError("a tensor is too large for the CUDA device; use a smaller size or batch");
  }
  const dim3 grid(static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y));
  for_each_block<<<grid, Block::kThreads, bytes, stream>>>(block);
  check(cudaGetLastError(), "launching a kernel");
}

/// Calls make.template operator()<T>() with the C++ type of `type`.
template <typename Make>
void with_type(DType type, const Make& make) {
  switch (type) {
    case DType::f32:
      return make.template operator()<float>();
    case DType::f16:
      return make.template operator()<__half>();
    case DType::bf16:
      return make.template operator()<__nv_bfloat16>();
    default:
      throw DeviceError(std::string("the CUDA device does not compute in ") + to_string(type));
  }
}

/// Calls make.template operator()<T, V>() with the C++ type of `type` and the pack size.
template <typename Make>
void with_pack(DType type, int pack, const Make& make) {
  with_type(type, [&]<typename T>() {
    if (pack == 1) {
      make.template operator()<T, 1>();
    } else {
      make.template operator()<T, kPack<T>>();
    }
  });
}

template <typename T>
View<T> view(const Tensor& tensor) {
  return {tensor.as<T>(), tensor.stride};
}

std::uint32_t columns_of(const Tensor& tensor, int pack) {
  return static_cast<std::uint32_t>(tensor.shape.c / pack);
}

/// Launches Combine, which treats a row as one long pixel, so that packs may cross pixel boundaries.
template <typename Factors>
void launch_combine(cudaStream_t stream, const Tensor& x, const Tensor& y, const Factors& factors,
                    const Tensor& out) {
  const std::int64_t row = x.shape.h * x.shape.w * x.shape.c;
  const auto line = [row](const Tensor& tensor) {
    return Tensor{tensor.data, {.n = tensor.shape.n, .c = row}, row, tensor.dtype};
  };
  const Tensor x_line = line(x);
  const Tensor y_line = line(y);
  const Tensor out_line = line(out);
  with_pack(x.dtype, pack_of({&x_line, &y_line, &out_line}), [&]<typename T, int V>() {
    launch(stream, x.shape.n * row / V,
           Combine<T, V, Factors>{view<T>(x_line), view<T>(y_line), view<T>(out_line),
                                  static_cast<std::uint32_t>(row / V), factors});
  });
}

}  // namespace

int pack_of(std::initializer_list<const Tensor*> tensors) {
  int pack = 1;
  for (const Tensor* tensor : tensors) {
    if (tensor->empty()) {
      continue;
    }
    pack = static_cast<int>(16 / size_of(tensor->dtype));
    if (tensor->shape.c % pack != 0 || tensor->stride % pack != 0 ||
        reinterpret_cast<std::uintptr_t>(tensor->data) % 16 != 0) {
      return 1;
    }
  }
  return pack;
}

void map(cudaStream_t stream, const Tensor& x, float scale, Activation activation, float out_scale,
         float shift, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(x, V);
    launch(stream, x.shape.pixels() * columns,
           Map<T, V>{view<T>(x), view<T>(out), columns, scale, activation, out_scale, shift});
  });
}

void copy(cudaStream_t stream, const Tensor& x, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(x, V);
    launch(stream, x.shape.pixels() * columns, Copy<T, V>{view<T>(x), view<T>(out), columns});
  });
}

void add(cudaStream_t stream, const Tensor& x, const Tensor& y, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &y, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(x, V);
    launch(stream, x.shape.pixels() * columns, Add<T, V>{view<T>(x), view<T>(y), view<T>(out), columns});
  });
}

void combine(cudaStream_t stream, const Tensor& x, std::span<const float> a, const Tensor& y,
             std::span<const float> b, const Tensor& out) {
  for (std::int64_t first = 0; first < x.shape.n; first += FactorValues::kMostRows) {
    const std::int64_t rows = std::min<std::int64_t>(FactorValues::kMostRows, x.shape.n - first);
    FactorValues factors{};
    std::copy_n(a.begin() + first, rows, factors.a);
    std::copy_n(b.begin() + first, rows, factors.b);
    launch_combine(stream, x.rows(first, rows), y.rows(first, rows), factors, out.rows(first, rows));
  }
}

void combine(cudaStream_t stream, const Tensor& x, const Tensor& y, const float* factors, const Tensor& out) {
  launch_combine(stream, x, y, FactorMemory{factors, factors + x.shape.n}, out);
}

void gather(cudaStream_t stream, const Tensor& x, const ConvGeometry& geometry, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(out, V);
    launch(stream, out.shape.pixels() * columns,
           Gather<T, V>{view<T>(x), x.shape.h, x.shape.w, x.shape.c, view<T>(out), out.shape.h, out.shape.w,
                        columns, geometry.upsampling, geometry.image_h, geometry.image_w,
                        geometry.gathered_padding});
  });
}

void finish(cudaStream_t stream, const Tensor& x, const void* bias, const Tensor& row_bias,
            const Tensor& residual, Activation activation, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(out, V);
    launch(stream, out.shape.pixels() * columns,
           Finish<T, V>{view<T>(x), static_cast<const T*>(bias), view<T>(row_bias), view<T>(residual),
                        view<T>(out), columns, out.shape.h * out.shape.w, activation});
  });
}

void geglu(cudaStream_t stream, const Tensor& x, const Tensor& residual, Activation activation,
           const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::uint32_t columns = columns_of(out, V);
    launch(stream, out.shape.pixels() * columns,
           Geglu<T, V>{view<T>(x), view<T>(residual), view<T>(out), columns, out.shape.c, activation});
  });
}

std::uint32_t group_norm_blocks(const Shape& shape) {
  const std::int64_t pixels = shape.h * shape.w;
  const std::int64_t worth = pixels * shape.c / 8 / kPacksWorthABlock;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(worth, 1, std::min<std::int64_t>(pixels, kMostBlocks)));
}

std::int64_t group_norm_bytes(const Shape& shape, std::int64_t groups) {
  return shape.n * group_norm_blocks(shape) * groups * 2 * static_cast<std::int64_t>(sizeof(float));
}

void group_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift,
                std::int64_t groups, float epsilon, Activation activation, float* sums, const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    const std::int64_t pixels = x.shape.h * x.shape.w;
    const std::uint32_t blocks = group_norm_blocks(x.shape);
    const std::uint32_t columns = columns_of(x, V);
    const auto count = static_cast<std::uint32_t>(groups);
    const auto channels = static_cast<std::uint32_t>(x.shape.c / groups);
    launch_blocks(stream, blocks, x.shape.n,
                  GroupNormSums<T, V>{view<T>(x), pixels, columns, count, channels, blocks, sums});
    launch_blocks(stream, blocks, x.shape.n,
                  GroupNormApply<T, V>{view<T>(x), view<T>(out), pixels, columns, count, channels, blocks,
                                       sums, gain, shift, epsilon, activation});
  });
}

void layer_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift, float epsilon,
                const Tensor& out) {
  with_pack(x.dtype, pack_of({&x, &out}), [&]<typename T, int V>() {
    using Block = LayerNorm<T, V>;
    const std::int64_t tokens = x.shape.pixels();
    launch_blocks(stream, (tokens + Block::kTokens - 1) / Block::kTokens, 1,
                  Block{view<T>(x), view<T>(out), tokens, columns_of(x, V), gain, shift, epsilon});
  });
}

void softmax(cudaStream_t stream, const SoftmaxLines& lines, const float* scores, DType type, void* out) {
  with_type(type, [&]<typename T>() {
    launch_blocks(stream, lines.lines, 1,
                  Softmax<T>{scores, static_cast<T*>(out), lines.keys, lines.stride, lines.queries,
                             lines.first_query, lines.causal});
  });
}

void dot_products(cudaStream_t stream, const Tensor& x, const Tensor& y, float* sums) {
  with_type(x.dtype, [&]<typename T>() {
    launch_blocks(stream, kDotBlocks, 1,
                  DotProducts<T>{x.as<T>(), y.as<T>(), x.shape.elements(), kDotBlocks, sums});
  });
}

void from_pixels(cudaStream_t stream, const std::uint8_t* pixels, float scale, float shift,
                 const Tensor& out) {
  with_type(out.dtype, [&]<typename T>() {
    launch(stream, out.shape.elements(), FromPixels<T>{pixels, out.as<T>(), scale, shift});
  });
}

void to_pixels(cudaStream_t stream, const Tensor& x, float scale, float shift, std::uint8_t* pixels) {
  with_type(x.dtype, [&]<typename T>() {
    launch(stream, x.shape.elements(), ToPixels<T>{x.as<T>(), pixels, scale, shift});
  });
}

void from_floats(cudaStream_t stream, const float* values, const Tensor& out) {
  with_type(out.dtype, [&]<typename T>() {
    launch(stream, out.shape.elements(), FromFloats<T>{values, out.as<T>()});
  });
}

void to_floats(cudaStream_t stream, const Tensor& x, float* values) {
  with_type(x.dtype, [&]<typename T>() {
    launch(stream, x.shape.elements(), ToFloats<T>{x.as<T>(), values});
  });
}

void pack_weights(cudaStream_t stream, const WeightShape& shape, const float* weight, DType type, void* out) {
  const auto number = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  with_type(type, [&]<typename T>() {
    launch(stream, shape.padded_out_channels * shape.taps * shape.padded_in_channels,
           PackWeights<T>{weight, static_cast<T*>(out), number(shape.out_channels), number(shape.in_channels),
                          number(shape.taps), number(shape.padded_in_channels)});
  });
}

}  // namespace streamdiffusion::cuda
