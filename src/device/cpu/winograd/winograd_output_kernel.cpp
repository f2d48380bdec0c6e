#include <algorithm>
#include <type_traits>

#include "device/cpu/simd/vnni_targets.h"
#include "device/cpu/winograd/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/winograd/winograd_output_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/epilogue-inl.h"
#include "device/cpu/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using namespace winograd_points;

/// Number of the odd or even output lines of a tile, which are transformed together.
constexpr int half_lines(bool odd, int outputs) { return odd ? outputs / 2 : (outputs + 1) / 2; }

/// Loads float32 products.
struct FloatProducts {
  static constexpr bool kIsInt16 = false;
  HWY_INLINE static V load(const float* from) { return hn::Load(Tag(), from); }
};
/// Loads int32 products of int16 numbers, whose scales differ by position (WeightShares).
struct Int16Products {
  static constexpr bool kIsInt16 = true;
  HWY_INLINE static V load(const float* from) {
    const hn::RebindToSigned<Tag> di;
    return hn::ConvertTo(Tag(), hn::BitCast(di, hn::Load(Tag(), from)));
  }
};

/// Computes the even or the odd outputs of A^T x from products x(0), x(1) and so on. Even outputs use the
/// sums of the products at points of both signs, odd ones the differences. Results are `step` vectors apart.
template <typename Kind, bool kOdd, int kOutputs, typename Products>
HWY_INLINE void transform_output(const Products& x, V* outputs, std::int64_t step) {
  if constexpr (kOutputs == kSmallOut) {
    outputs[0] = kOdd ? hn::Add(hn::Sub(x(1), x(2)), x(3)) : hn::Add(hn::Add(x(1), x(2)), x(0));
    return;
  }
  constexpr const WeightShares& kOf = kOutputs == kOut ? kShares : kPhaseShares;
  constexpr float kNearOnce = Kind::kIsInt16 ? kOf.near_products() : 1;
  constexpr float kFarOnce = Kind::kIsInt16 ? kOf.far_products() : 1;
  if constexpr (kOdd) {
    const V near = hn::Sub(x(1), x(2));
    const V far = hn::Sub(x(3), x(4));
    outputs[0] = add_times(kNearOnce * kNear, near, times(kFarOnce * kFar, far));
    constexpr float kFarCube = kFarOnce * kFar * kFarSquare;
    const V far_cubed = kOutputs == kOut ? add_times(kFarCube, far, x(5)) : times(kFarCube, far);
    outputs[step] = add_times(kNearOnce * kNear * kNearSquare, near, far_cubed);
  } else {
    const V near = hn::Add(x(1), x(2));
    const V far = hn::Add(x(3), x(4));
    if constexpr (kNearOnce == 1 && kFarOnce == 1) {
      outputs[0] = hn::Add(hn::Add(x(0), near), far);
    } else {
      outputs[0] = add_times(kFarOnce, far, add_times(kNearOnce, near, x(0)));
    }
    outputs[step] = add_times(kNearOnce * kNearSquare, near, times(kFarOnce * kFarSquare, far));
    if constexpr (kOutputs == kPhaseOut) {
      outputs[2 * step] = add_times(kNearOnce * kNearSquare * kNearSquare, near,
                                    add_times(kFarOnce * kFarSquare * kFarSquare, far, x(5)));
    }
  }
}

/// Computes the even or the odd output lines of a tile for a vector of channels, before the epilogue. Half of
/// a tile fits into the registers.
template <typename Kind, bool kOdd, int kOutputs>
HWY_INLINE void transform_products(const float* from, std::int64_t stride, V (*values)[kOutputs]) {
  constexpr int kLines = half_lines(kOdd, kOutputs);
  constexpr std::int64_t kIn = inputs_of(kOutputs);
  V half[kLines][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    transform_output<Kind, kOdd, kOutputs>(
        [&](std::int64_t i) { return Kind::load(from + (i * kIn + j) * stride); }, &half[0][j], kIn);
  }
#pragma GCC unroll 3
  for (int i = 0; i < kLines; ++i) {
    const auto product = [&](int j) { return half[i][j]; };
    transform_output<Kind, false, kOutputs>(product, values[i], 2);
    transform_output<Kind, true, kOutputs>(product, values[i] + 1, 2);
  }
}

/// Returns the bias, with the row bias, of a vector of output channels.
V offset_of(const WinogradTask& task, std::int64_t row, std::int64_t c) {
  const auto* bias = static_cast<const float*>(task.weights->bias.data());
  const V offset = bias != nullptr ? hn::LoadU(Tag(), bias + c) : hn::Zero(Tag());
  const Tensor& row_bias = task.options.row_bias;
  if (row_bias.empty()) {
    return offset;
  }
  return hn::Add(offset, load_part(elements_of(row_bias) + (row * row_bias.stride + c),
                                   static_cast<std::size_t>(task.out.shape.c - c)));
}

/// Returns the scales of a vector of columns of int16 products. `scale` is that of the tile's inputs.
template <typename Kind>
V scale_of(const WinogradTask& task, std::int64_t column, const float* scale) {
  if constexpr (Kind::kIsInt16) {
    return times(*scale, hn::LoadU(Tag(), static_cast<const float*>(task.weights->scales.data()) + column));
  } else {
    return hn::Zero(Tag());
  }
}

/// Dequantises sums of int16 products and adds the bias.
template <typename Kind>
HWY_INLINE V add_bias(V sum, V scale, V offset) {
  return Kind::kIsInt16 ? hn::MulAdd(sum, scale, offset) : hn::Add(sum, offset);
}

/// Type of a residual in memory that has the same DType as outputs written as T.
template <typename T>
using ResidualOf = std::conditional_t<std::is_same_v<T, float>, float, Bf16>;

/// Destination and epilogue of a vector of channels of a tile that is inside the image, without activation or
/// with ReLU. Strides are elements from pixel to pixel.
template <typename T>
struct PlainTile {
  T* out;
  std::int64_t out_stride;
  const ResidualOf<T>* residual;
  std::int64_t residual_stride;
  std::int64_t width;  // Pixels of an output line.
  V scale;
  V offset;
  V least;  // Lower limit of the outputs: 0 for ReLU, else -infinity.
};

template <typename Kind, int kOutputs, bool kOdd, bool kResidual, typename T>
HWY_INLINE void write_plain_half(const float* from, std::int64_t stride, const PlainTile<T>& to) {
  constexpr int kLines = half_lines(kOdd, kOutputs);
  V values[kLines][kOutputs];
  transform_products<Kind, kOdd, kOutputs>(from, stride, values);
#pragma GCC unroll 2
  for (int i = 0; i < kLines; ++i) {
    const std::int64_t pixel = (2 * i + (kOdd ? 1 : 0)) * to.width;
#pragma GCC unroll 4
    for (int j = 0; j < kOutputs; ++j) {
      const ResidualOf<T>* const residual =
          kResidual ? to.residual + (pixel + j) * to.residual_stride : nullptr;
      store_limited<kResidual>(add_bias<Kind>(values[i][j], to.scale, to.offset), to.least, residual,
                               to.out + (pixel + j) * to.out_stride);
    }
  }
}

/// Writes a plain tile, as nearly all are. Not inlined, so that few addresses occupy registers.
template <typename Kind, int kOutputs, bool kResidual, typename T>
HWY_NOINLINE void write_plain(const float* from, std::int64_t stride, PlainTile<T> to) {
  write_plain_half<Kind, kOutputs, false, kResidual>(from, stride, to);
  write_plain_half<Kind, kOutputs, true, kResidual>(from, stride, to);
}

/// Like PlainTile, for a tile that may extend beyond the image, with any activation and types.
struct AnyTile {
  Elements out;
  Elements residual;
  V scale;
  V offset;
  std::int64_t lines;   // Output lines inside the image.
  std::int64_t pixels;  // Pixels of a line inside the image.
  std::size_t valid;    // Channels of the vector that exist.
};

/// Writes any tile. Types are checked for each vector, so that one function handles all of them.
template <typename Kind, int kOutputs>
HWY_NOINLINE void write_any(const WinogradTask& task, const float* from, std::int64_t stride,
                            const AnyTile& to) {
  constexpr int kEven = half_lines(false, kOutputs);
  V values[kOutputs][kOutputs];
  transform_products<Kind, false, kOutputs>(from, stride, values);
  transform_products<Kind, true, kOutputs>(from, stride, values + kEven);
  for (std::int64_t i = 0; i < to.lines; ++i) {
    for (std::int64_t j = 0; j < to.pixels; ++j) {
      const std::int64_t pixel = i * task.out.shape.w + j;
      store_activated(add_bias<Kind>(values[i % 2 * kEven + i / 2][j], to.scale, to.offset),
                      task.options.activation, to.residual, pixel * task.options.residual.stride,
                      to.out + pixel * task.out.stride, to.valid);
    }
  }
}

/// Writes the outputs of tiles without phases.
template <typename Kind, int kOutputs, typename T>
class OutputWriter {
 public:
  OutputWriter(const WinogradTask& task, T* out) : task_(task), origins_(task), out_(out) {
    const Tensor& residual = task.options.residual;
    is_plain_ = is_limit(task.options.activation) && (residual.empty() || residual.dtype == task.out.dtype);
  }

  /// Transforms and writes a tile. `scale` is that of its inputs (int16 only).
  void write(std::int64_t tile, const float* from, std::int64_t stride, const float* scale) const {
    constexpr auto kStep = static_cast<std::int64_t>(kLanes);
    const Shape& shape = task_.out.shape;
    const Tensor& residual = task_.options.residual;
    const TileOrigin origin = origins_.at(tile);
    const bool plain = is_plain_ && origin.top + kOutputs <= shape.h && origin.left + kOutputs <= shape.w;
    const std::int64_t pixel = (origin.row * shape.h + origin.top) * shape.w + origin.left;
    const V least = lower_limit(task_.options.activation);
    for (std::int64_t c = 0; c < shape.c; c += kStep) {
      const V tile_scale = scale_of<Kind>(task_, c, scale);
      const V offset = offset_of(task_, origin.row, c);
      const Elements added =
          residual.empty() ? Elements() : elements_of(residual) + (pixel * residual.stride + c);
      if (plain && c + kStep <= shape.c) {
        const PlainTile<T> to{out_ + pixel * task_.out.stride + c,
                              task_.out.stride,
                              static_cast<const ResidualOf<T>*>(added.data),
                              residual.stride,
                              shape.w,
                              tile_scale,
                              offset,
                              least};
        added.empty() ? write_plain<Kind, kOutputs, false>(from + c, stride, to)
                      : write_plain<Kind, kOutputs, true>(from + c, stride, to);
      } else {
        write_any<Kind, kOutputs>(
            task_, from + c, stride,
            {elements_of(task_.out) + (pixel * task_.out.stride + c), added, tile_scale, offset,
             std::min<std::int64_t>(kOutputs, shape.h - origin.top),
             std::min<std::int64_t>(kOutputs, shape.w - origin.left), static_cast<std::size_t>(shape.c - c)});
      }
    }
  }

 private:
  const WinogradTask& task_;
  TileOrigins origins_;
  T* out_;
  bool is_plain_;
};

/// Writes the outputs of tiles with phases.
template <typename Kind, typename T>
class PhaseWriter {
 public:
  PhaseWriter(const WinogradTask& task, T* out)
      : task_(task),
        origins_(task),
        out_(out),
        residual_(elements_of(task.options.residual)),
        is_plain_(is_limit(task.options.activation) && residual_.empty()) {}

  /// Transforms and writes a tile. `scale` is that of its inputs (int16 only).
  void write(std::int64_t tile, const float* from, std::int64_t stride, const float* scale) const {
    constexpr auto kStep = static_cast<std::int64_t>(kLanes);
    const TileOrigin origin = origins_.at(tile);
    const V least = lower_limit(task_.options.activation);
    for (std::int64_t c = 0; c < task_.out.shape.c; c += kStep) {
      const V offset = offset_of(task_, origin.row, c);
      for (std::int64_t phase = 0; phase < task_.weights->phases; ++phase) {
        const std::int64_t column = phase * task_.weights->padded_out_channels + c;
        const PhaseOutputs to{{origin.row, 2 * origin.top - phase / 2, 2 * origin.left - phase % 2},
                              c,
                              scale_of<Kind>(task_, column, scale),
                              offset,
                              least,
                              is_plain_ && c + kStep <= task_.out.shape.c};
        write_lines<false>(from + column, stride, to);
        write_lines<true>(from + column, stride, to);
      }
    }
  }

 private:
  static constexpr const T* kNoResidual = nullptr;

  /// Destination and epilogue of a vector of channels of one phase of a tile.
  struct PhaseOutputs {
    TileOrigin first;  // First output pixel.
    std::int64_t c;    // First channel.
    V scale;
    V offset;
    V least;     // Lower limit of the outputs: 0 for ReLU, else -infinity.
    bool plain;  // True for a full vector without residual, and without activation or with ReLU.
  };

  /// Writes the odd or the even ones of a phase's five lines. Half of the lines fits into the registers.
  template <bool kOdd>
  HWY_NOINLINE void write_lines(const float* from, std::int64_t stride, const PhaseOutputs& to) const {
    constexpr int kLines = half_lines(kOdd, kPhaseOut);
    V values[kLines][kPhaseOut];
    transform_products<Kind, kOdd, kPhaseOut>(from, stride, values);
#pragma GCC unroll 3
    for (int i = 0; i < kLines; ++i) {
      write_line(2 * (2 * i + (kOdd ? 1 : 0)), values[i], to);
    }
  }

  /// Writes every second pixel of the output line `below` lines below the first, within the image.
  HWY_INLINE void write_line(std::int64_t below, const V* values, const PhaseOutputs& to) const {
    const Shape& shape = task_.out.shape;
    const std::int64_t y = to.first.top + below;
    if (y < 0 || y >= shape.h) {
      return;
    }
    const std::int64_t c = to.c;
    const auto valid = static_cast<std::size_t>(shape.c - c);
    const std::int64_t line = (to.first.row * shape.h + y) * shape.w;
#pragma GCC unroll 5
    for (int j = 0; j < kPhaseOut; ++j) {
      const std::int64_t x = to.first.left + 2 * j;
      if (x < 0 || x >= shape.w) {
        continue;
      }
      const V value = add_bias<Kind>(values[j], to.scale, to.offset);
      T* const out = out_ + (line + x) * task_.out.stride + c;
      if (to.plain) {
        store_limited<false>(value, to.least, kNoResidual, out);
      } else {
        store_activated(value, task_.options.activation, residual_,
                        (line + x) * task_.options.residual.stride + c, out, valid);
      }
    }
  }

  const WinogradTask& task_;
  TileOrigins origins_;
  T* out_;
  Elements residual_;
  bool is_plain_;
};

void Output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
            std::int64_t stride, const float* scales) {
  with_native_type(task, elements_of(task.out), [&](auto* out) {
    using T = std::remove_pointer_t<decltype(out)>;
    const auto write = [&](const auto& writer) {
      for (std::int64_t tile = first; tile < last; ++tile) {
        const std::int64_t i = tile - first;
        writer.write(tile, from + i * task.weights->columns, stride, scales + i);
      }
    };
    const auto write_kind = [&](auto kind) {
      using Kind = decltype(kind);
      if (task.weights->phases > 1) {
        write(PhaseWriter<Kind, T>(task, out));
      } else if (task.weights->outputs == kSmallOut) {
        write(OutputWriter<FloatProducts, kSmallOut, T>(task, out));
      } else {
        write(OutputWriter<Kind, kOut, T>(task, out));
      }
    };
    if (task.weights->format == WinogradFormat::int16) {
      write_kind(Int16Products());
    } else {
      write_kind(FloatProducts());
    }
  });
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(Output);

void winograd_output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
                     std::int64_t stride, const float* scales) {
  HWY_DYNAMIC_DISPATCH(Output)(task, first, last, from, stride, scales);
}

}  // namespace streamdiffusion::cpu
#endif
