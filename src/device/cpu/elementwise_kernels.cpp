#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/elementwise_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/simd_load-inl.h"
#include "device/cpu/simd/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using V = hn::Vec<Tag>;
constexpr auto kStep = static_cast<std::int64_t>(kLanes);

/// Calls function(i, load, store) for each vector of elements, which begins at element i. `load` and `store`
/// access no elements from `count` on.
template <typename Function>
HWY_INLINE void for_vectors(std::int64_t count, const Function& function) {
  std::int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    function(
        i, [](const auto* from) { return load_all(from); }, [](V value, auto* to) { store_all(value, to); });
  }
  if (i < count) {
    const auto valid = static_cast<std::size_t>(count - i);
    function(
        i, [valid](const auto* from) { return load_part(from, valid); },
        [valid](V value, auto* to) { store_part(value, to, valid); });
  }
}

/// Calls function(from, to) with pointers to the channels of each pixel of `x` and `out`.
template <typename Function>
HWY_INLINE void for_pixels(const Tensor& x, const Tensor& out, const Function& function) {
  with_type(elements_of(x), [&](const auto* from) {
    with_type(elements_of(out), [&](auto* to) {
      for (std::int64_t p = 0; p < x.shape.pixels(); ++p) {
        function(from + p * x.stride, to + p * out.stride);
      }
    });
  });
}

void ChannelSums(const Tensor& x, const float* shift, float* sums, float* squares) {
  const Tag d;
  const std::int64_t pixels = x.shape.pixels();
  with_type(elements_of(x), [&](const auto* first) {
    for_vectors(x.shape.c, [&](std::int64_t c, auto load, auto store) {
      const V offset = load(shift + c);
      V sum = hn::Zero(d);
      V square = hn::Zero(d);
      for (std::int64_t p = 0; p < pixels; ++p) {
        const V value = hn::Sub(load(first + p * x.stride + c), offset);
        sum = hn::Add(sum, value);
        square = hn::MulAdd(value, value, square);
      }
      store(sum, sums + c);
      store(square, squares + c);
    });
  });
}

void ScaleShift(const Tensor& x, const float* scale, const float* shift, Activation activation,
                const Tensor& out) {
  const Tag d;
  for_pixels(x, out, [&](const auto* from, auto* to) {
    for_vectors(x.shape.c, [&](std::int64_t c, auto load, auto store) {
      store(activate(d, activation, hn::MulAdd(load(from + c), load(scale + c), load(shift + c))), to + c);
    });
  });
}

void LayerNorm(const Tensor& x, const float* gain, const float* shift, float epsilon, const Tensor& out) {
  const Tag d;
  const std::int64_t channels = x.shape.c;
  const auto count = static_cast<float>(channels);
  for_pixels(x, out, [&](const auto* from, auto* to) {
    V sum = hn::Zero(d);
    for_vectors(channels, [&](std::int64_t c, auto load, auto) { sum = hn::Add(sum, load(from + c)); });
    const float mean = hn::GetLane(hn::SumOfLanes(d, sum)) / count;
    float variance = 0;
    V square = hn::Zero(d);
    const std::int64_t full_channels = channels / kStep * kStep;
    for (std::int64_t c = 0; c < full_channels; c += kStep) {
      const V value = hn::Sub(load_all(from + c), hn::Set(d, mean));
      square = hn::MulAdd(value, value, square);
    }
    for (std::int64_t c = full_channels; c < channels; ++c) {
      const float difference = to_float(from[c]) - mean;
      variance += difference * difference;
    }
    variance = (variance + hn::GetLane(hn::SumOfLanes(d, square))) / count;
    const V factor = hn::Set(d, 1.0F / std::sqrt(variance + epsilon));
    for_vectors(channels, [&](std::int64_t c, auto load, auto store) {
      const V normal = hn::Mul(hn::Sub(load(from + c), hn::Set(d, mean)), factor);
      store(hn::MulAdd(normal, load(gain + c), load(shift + c)), to + c);
    });
  });
}

void Map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
         const Tensor& out) {
  const Tag d;
  for_pixels(x, out, [&](const auto* from, auto* to) {
    for_vectors(x.shape.c, [&](std::int64_t c, auto load, auto store) {
      const V value = activate(d, activation, hn::Mul(load(from + c), hn::Set(d, scale)));
      store(hn::MulAdd(value, hn::Set(d, out_scale), hn::Set(d, shift)), to + c);
    });
  });
}

void Convert(const Tensor& x, const Tensor& out) {
  for_pixels(x, out, [&](const auto* from, auto* to) {
    for_vectors(x.shape.c, [&](std::int64_t c, auto load, auto store) { store(load(from + c), to + c); });
  });
}

void Add(const Tensor& x, const Tensor& y, const Tensor& out) {
  with_type(elements_of(y), [&](const auto* y_first) {
    std::int64_t pixel = 0;
    for_pixels(x, out, [&](const auto* from, auto* to) {
      const auto* other = y_first + pixel++ * y.stride;
      for_vectors(x.shape.c, [&](std::int64_t c, auto load, auto store) {
        store(hn::Add(load(from + c), load(other + c)), to + c);
      });
    });
  });
}

void Combine(const Tensor& x, float a, const Tensor& y, float b, const Tensor& out) {
  const Tag d;
  const std::int64_t count = x.shape.elements();
  for (std::int64_t i = 0; i < count; i += kStep) {
    const auto valid = static_cast<std::size_t>(count - i);
    const V of_y = hn::Mul(load_part(elements_of(y) + i, valid), hn::Set(d, b));
    store_part(hn::MulAdd(load_part(elements_of(x) + i, valid), hn::Set(d, a), of_y), elements_of(out) + i,
               valid);
  }
}

void DotProducts(const Tensor& x, const Tensor& y, double* sums) {
  // Sums of a block are float32, those of blocks double: short blocks keep rounding errors small.
  constexpr std::int64_t kBlock = 4096;
  const Tag d;
  const std::int64_t count = x.shape.elements();
  sums[0] = sums[1] = sums[2] = 0;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    V xy = hn::Zero(d);
    V xx = hn::Zero(d);
    V yy = hn::Zero(d);
    for (std::int64_t i = first; i < std::min(first + kBlock, count); i += kStep) {
      const auto valid = static_cast<std::size_t>(count - i);
      const V a = load_part(elements_of(x) + i, valid);
      const V b = load_part(elements_of(y) + i, valid);
      xy = hn::MulAdd(a, b, xy);
      xx = hn::MulAdd(a, a, xx);
      yy = hn::MulAdd(b, b, yy);
    }
    sums[0] += hn::GetLane(hn::SumOfLanes(d, xy));
    sums[1] += hn::GetLane(hn::SumOfLanes(d, xx));
    sums[2] += hn::GetLane(hn::SumOfLanes(d, yy));
  }
}

void FromPixels(const std::uint8_t* pixels, float scale, float shift, const Tensor& out) {
  const float factor = scale / 255.0F;
  with_type(elements_of(out), [&](auto* to) {
    for (std::int64_t i = 0; i < out.shape.elements(); ++i) {
      set(to[i], static_cast<float>(pixels[i]) * factor + shift);
    }
  });
}

void ToPixels(const Tensor& x, float scale, float shift, std::uint8_t* pixels) {
  const V factor = hn::Set(Tag(), scale * 255.0F);
  const V offset = hn::Set(Tag(), shift * 255.0F + 0.5F);
  const hn::Rebind<std::int32_t, Tag> d32;
  const hn::Rebind<std::uint8_t, Tag> d8;
  with_type(elements_of(x), [&](const auto* from) {
    const std::int64_t count = x.shape.elements();
    for (std::int64_t i = 0; i < count; i += kStep) {
      const auto valid = static_cast<std::size_t>(count - i);
      const V value = hn::MulAdd(load_part(from + i, valid), factor, offset);
      const auto bytes = hn::DemoteTo(d8, hn::ConvertTo(d32, value));
      if (valid >= kLanes) {
        hn::StoreU(bytes, d8, pixels + i);
      } else {
        HWY_ALIGN std::uint8_t part[kLanes];
        hn::Store(bytes, d8, part);
        std::memcpy(pixels + i, part, valid);
      }
    }
  });
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
HWY_EXPORT(Convert);
HWY_EXPORT(Add);
HWY_EXPORT(Combine);
HWY_EXPORT(DotProducts);
HWY_EXPORT(FromPixels);
HWY_EXPORT(ToPixels);

void channel_sums(const Tensor& x, const float* shift, float* sums, float* squares) {
  HWY_DYNAMIC_DISPATCH(ChannelSums)(x, shift, sums, squares);
}
void scale_shift(const Tensor& x, const float* scale, const float* shift, Activation activation,
                 const Tensor& out) {
  HWY_DYNAMIC_DISPATCH(ScaleShift)(x, scale, shift, activation, out);
}
void layer_norm(const Tensor& x, const float* gain, const float* shift, float epsilon, const Tensor& out) {
  HWY_DYNAMIC_DISPATCH(LayerNorm)(x, gain, shift, epsilon, out);
}
void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
         const Tensor& out) {
  HWY_DYNAMIC_DISPATCH(Map)(x, scale, activation, out_scale, shift, out);
}
void convert(const Tensor& x, const Tensor& out) { HWY_DYNAMIC_DISPATCH(Convert)(x, out); }
void add(const Tensor& x, const Tensor& y, const Tensor& out) { HWY_DYNAMIC_DISPATCH(Add)(x, y, out); }
void combine(const Tensor& x, float a, const Tensor& y, float b, const Tensor& out) {
  HWY_DYNAMIC_DISPATCH(Combine)(x, a, y, b, out);
}
void dot_products(const Tensor& x, const Tensor& y, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotProducts)(x, y, sums);
}
void from_pixels(const std::uint8_t* pixels, float scale, float shift, const Tensor& out) {
  HWY_DYNAMIC_DISPATCH(FromPixels)(pixels, scale, shift, out);
}
void to_pixels(const Tensor& x, float scale, float shift, std::uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(ToPixels)(x, scale, shift, pixels);
}

}  // namespace streamdiffusion::cpu
#endif
