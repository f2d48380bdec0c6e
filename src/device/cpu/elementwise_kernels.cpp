#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/elementwise_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd_load-inl.h"
#include "device/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using V = hn::Vec<Tag>;
constexpr auto kStep = static_cast<std::int64_t>(kLanes);

/// Calls function(i, load, store) for each vector of `count` floats; at the end load and store touch only
/// what is there.
template <typename Function>
HWY_INLINE void for_vectors(std::int64_t count, const Function& function) {
  const Tag d;
  std::int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    function(
        i, [d](const float* from) { return hn::LoadU(d, from); },
        [d](V value, float* to) { hn::StoreU(value, d, to); });
  }
  if (i < count) {
    const auto valid = static_cast<std::size_t>(count - i);
    function(
        i, [valid](const float* from) { return load_part(from, valid); },
        [valid](V value, float* to) { store_part(value, to, valid); });
  }
}

void ChannelSums(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels,
                 const float* shift, float* sums, float* squares) {
  const Tag d;
  for_vectors(channels, [&](std::int64_t c, auto load, auto store) {
    const V offset = load(shift + c);
    V sum = hn::Zero(d);
    V square = hn::Zero(d);
    for (std::int64_t p = 0; p < pixels; ++p) {
      const V value = hn::Sub(load(x + p * stride + c), offset);
      sum = hn::Add(sum, value);
      square = hn::MulAdd(value, value, square);
    }
    store(sum, sums + c);
    store(square, squares + c);
  });
}

void ScaleShift(const float* x, std::int64_t x_stride, std::int64_t pixels, std::int64_t channels,
                const float* scale, const float* shift, Activation activation, float* out,
                std::int64_t out_stride) {
  const Tag d;
  for (std::int64_t p = 0; p < pixels; ++p) {
    const float* from = x + p * x_stride;
    float* to = out + p * out_stride;
    for_vectors(channels, [&](std::int64_t c, auto load, auto store) {
      store(activate(d, activation, hn::MulAdd(load(from + c), load(scale + c), load(shift + c))), to + c);
    });
  }
}

void LayerNorm(const float* x, std::int64_t x_stride, std::int64_t pixels, std::int64_t channels,
               const float* gain, const float* shift, float epsilon, float* out, std::int64_t out_stride) {
  const Tag d;
  const auto count = static_cast<float>(channels);
  for (std::int64_t p = 0; p < pixels; ++p) {
    const float* from = x + p * x_stride;
    float* to = out + p * out_stride;
    V sum = hn::Zero(d);
    for_vectors(channels, [&](std::int64_t c, auto load, auto) { sum = hn::Add(sum, load(from + c)); });
    const float mean = hn::GetLane(hn::SumOfLanes(d, sum)) / count;
    float variance = 0;
    V square = hn::Zero(d);
    const std::int64_t whole = channels / kStep * kStep;
    for (std::int64_t c = 0; c < whole; c += kStep) {
      const V value = hn::Sub(hn::LoadU(d, from + c), hn::Set(d, mean));
      square = hn::MulAdd(value, value, square);
    }
    for (std::int64_t c = whole; c < channels; ++c) {
      variance += (from[c] - mean) * (from[c] - mean);
    }
    variance = (variance + hn::GetLane(hn::SumOfLanes(d, square))) / count;
    const V factor = hn::Set(d, 1.0F / std::sqrt(variance + epsilon));
    for_vectors(channels, [&](std::int64_t c, auto load, auto store) {
      const V normal = hn::Mul(hn::Sub(load(from + c), hn::Set(d, mean)), factor);
      store(hn::MulAdd(normal, load(gain + c), load(shift + c)), to + c);
    });
  }
}

void Map(const float* x, std::int64_t count, float scale, Activation activation, float out_scale, float shift,
         float* out) {
  const Tag d;
  for_vectors(count, [&](std::int64_t i, auto load, auto store) {
    const V value = activate(d, activation, hn::Mul(load(x + i), hn::Set(d, scale)));
    store(hn::MulAdd(value, hn::Set(d, out_scale), hn::Set(d, shift)), out + i);
  });
}

void Combine(const float* x, float a, const float* y, float b, std::int64_t count, float* out) {
  const Tag d;
  for_vectors(count, [&](std::int64_t i, auto load, auto store) {
    store(hn::MulAdd(load(x + i), hn::Set(d, a), hn::Mul(load(y + i), hn::Set(d, b))), out + i);
  });
}

void DotProducts(const float* x, const float* y, std::int64_t count, double* sums) {
  // Blocks short enough that float32 sums stay exact to the last digits.
  constexpr std::int64_t kBlock = 4096;
  const Tag d;
  sums[0] = sums[1] = sums[2] = 0;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    V xy = hn::Zero(d);
    V xx = hn::Zero(d);
    V yy = hn::Zero(d);
    for_vectors(std::min(kBlock, count - first), [&](std::int64_t i, auto load, auto) {
      const V a = load(x + first + i);
      const V b = load(y + first + i);
      xy = hn::MulAdd(a, b, xy);
      xx = hn::MulAdd(a, a, xx);
      yy = hn::MulAdd(b, b, yy);
    });
    sums[0] += hn::GetLane(hn::SumOfLanes(d, xy));
    sums[1] += hn::GetLane(hn::SumOfLanes(d, xx));
    sums[2] += hn::GetLane(hn::SumOfLanes(d, yy));
  }
}

void PixelsToFloat(const std::uint8_t* pixels, std::int64_t count, float scale, float shift, float* out) {
  const float factor = scale / 255.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(pixels[i]) * factor + shift;
  }
}

void FloatToPixels(const float* x, std::int64_t count, float scale, float shift, std::uint8_t* pixels) {
  const float factor = scale * 255.0F;
  const float offset = shift * 255.0F + 0.5F;
  for (std::int64_t i = 0; i < count; ++i) {
    pixels[i] = static_cast<std::uint8_t>(std::min(std::max(x[i] * factor + offset, 0.0F), 255.0F));
  }
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(ChannelSums);
HWY_EXPORT(ScaleShift);
HWY_EXPORT(LayerNorm);
HWY_EXPORT(Map);
HWY_EXPORT(Combine);
HWY_EXPORT(DotProducts);
HWY_EXPORT(PixelsToFloat);
HWY_EXPORT(FloatToPixels);

void channel_sums(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels,
                  const float* shift, float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(ChannelSums)(x, stride, pixels, channels, shift, sums, squares);
}
void scale_shift(const float* x, std::int64_t x_stride, std::int64_t pixels, std::int64_t channels,
                 const float* scale, const float* shift, Activation activation, float* out,
                 std::int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(ScaleShift)(x, x_stride, pixels, channels, scale, shift, activation, out, out_stride);
}
void layer_norm(const float* x, std::int64_t x_stride, std::int64_t pixels, std::int64_t channels,
                const float* gain, const float* shift, float epsilon, float* out, std::int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(LayerNorm)(x, x_stride, pixels, channels, gain, shift, epsilon, out, out_stride);
}
void map(const float* x, std::int64_t count, float scale, Activation activation, float out_scale, float shift,
         float* out) {
  HWY_DYNAMIC_DISPATCH(Map)(x, count, scale, activation, out_scale, shift, out);
}
void combine(const float* x, float a, const float* y, float b, std::int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(Combine)(x, a, y, b, count, out);
}
void dot_products(const float* x, const float* y, std::int64_t count, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotProducts)(x, y, count, sums);
}
void pixels_to_float(const std::uint8_t* pixels, std::int64_t count, float scale, float shift, float* out) {
  HWY_DYNAMIC_DISPATCH(PixelsToFloat)(pixels, count, scale, shift, out);
}
void float_to_pixels(const float* x, std::int64_t count, float scale, float shift, std::uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(FloatToPixels)(x, count, scale, shift, pixels);
}

}  // namespace streamdiffusion::cpu
#endif
