#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "core/round_up.h"
#include "device/cpu/simd/rounding.h"
#include "device/cpu/simd/vnni_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/simd/rounding_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

/// The bits of elements, which are compared as integers: the largest one as signed is the highest positive
/// value, the largest as unsigned the lowest negative one. NaN counts as beyond infinity.
template <typename T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Tag = hn::CappedTag<std::uint32_t, 16>;
  HWY_INLINE static hn::Vec<Tag> load(const float* x) { return hn::BitCast(Tag(), load_all(x)); }
  static float value(std::uint32_t bits) { return std::bit_cast<float>(bits); }
};
template <>
struct BitsOf<Bf16> {
  using Tag = hn::CappedTag<std::uint16_t, 32>;
  HWY_INLINE static hn::Vec<Tag> load(const Bf16* x) { return hn::LoadU(Tag(), &x->bits); }
  static float value(std::uint16_t bits) { return to_float(Bf16{bits}); }
};

template <typename T>
ValueRange range_of(const T* x, std::size_t count) {
  using Bits = BitsOf<T>;
  const typename Bits::Tag du;
  const hn::RebindToSigned<typename Bits::Tag> d;
  constexpr std::size_t kAtOnce = hn::MaxLanes(du);
  auto high = hn::Zero(d);
  auto low = hn::Zero(du);
  const auto add = [&](auto bits) {
    low = hn::Max(low, bits);
    high = hn::Max(high, hn::BitCast(d, bits));
  };
  std::size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    add(Bits::load(x + i));
  }
  if (i < count) {
    HWY_ALIGN T rest[kAtOnce] = {};
    std::memcpy(rest, x + i, (count - i) * sizeof(T));
    add(Bits::load(rest));
  }
  const float lowest = Bits::value(hn::GetLane(hn::MaxOfLanes(du, low)));
  return {std::signbit(lowest) ? lowest : 0.0F,
          Bits::value(hn::GetLane(hn::BitCast(du, hn::MaxOfLanes(d, high))))};
}

ValueRange GetValueRange(const Elements& x, std::int64_t stride, std::int64_t pixels, std::int64_t channels) {
  if (stride == channels) {
    channels *= pixels;
    pixels = 1;
  }
  ValueRange range;
  with_type(x, [&](const auto* first) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      range = join(range, range_of(first + pixel * stride, static_cast<std::size_t>(channels)));
    }
  });
  return range;
}

#if STREAMDIFFUSION_VNNI
/// Quantises four vectors to one vector of bytes, which takes half the instructions of four single ones.
template <typename T>
HWY_INLINE void quantize_four(const T* x, hn::Vec<Tag> scale, std::int32_t zero, std::uint8_t* out) {
  const Tag d;
  const auto rounded = [&](std::size_t i) {
    return _mm512_cvtps_epi32(hn::Mul(load_all(x + i * hn::Lanes(d)), scale).raw);
  };
  const __m512i shift = _mm512_set1_epi16(static_cast<std::int16_t>(zero));
  const __m512i first = _mm512_adds_epi16(_mm512_packs_epi32(rounded(0), rounded(1)), shift);
  const __m512i second = _mm512_adds_epi16(_mm512_packs_epi32(rounded(2), rounded(3)), shift);
  // The pack instructions work within 128-bit lanes; this restores the order.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(out, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second)));
}
#endif

/// Quantises `count` numbers. Multiplication, rounding and the addition of the zero point are separate steps,
/// so that every instruction set gives the same bytes.
template <typename T>
HWY_INLINE void quantize(const T* x, std::size_t count, const Quantization& quantization, std::uint8_t* out) {
  const Tag d;
  const hn::RebindToSigned<Tag> di;
  const hn::Rebind<std::uint8_t, Tag> d8;
  const auto scale = hn::Set(d, 1.0F / quantization.scale);
  const auto shift = hn::Set(di, quantization.zero);
  std::size_t i = 0;
#if STREAMDIFFUSION_VNNI
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    quantize_four(x + i, scale, quantization.zero, out + i);
  }
#endif
  for (; i + kLanes <= count; i += kLanes) {
    const auto rounded = hn::NearestInt(hn::Mul(load_all(x + i), scale));
    hn::StoreU(hn::DemoteTo(d8, hn::Add(rounded, shift)), d8, out + i);
  }
  if (i < count) {
    const auto rounded = hn::NearestInt(hn::Mul(load_part(x + i, count - i), scale));
    HWY_ALIGN std::uint8_t part[kLanes];
    hn::StoreU(hn::DemoteTo(d8, hn::Add(rounded, shift)), d8, part);
    std::memcpy(out + i, part, count - i);
  }
}

/// Writes a line with its padding. write(from, count, to) rounds `count` numbers to `bytes_each` bytes each.
/// `zero` is the value of every byte of a padding pixel.
template <typename T, typename Write>
HWY_INLINE void write_line(const ReducedLine& line, const T* x, std::size_t bytes_each, std::int32_t zero,
                           const Write& write) {
  const auto channels = static_cast<std::size_t>(line.channels);
  const std::size_t valid = channels * bytes_each;
  const std::size_t bytes = round_up(valid, kUnit);
  const auto all = static_cast<std::size_t>(line.pixels) * bytes;
  if (x == nullptr) {
    std::memset(line.out, zero, all);
    return;
  }
  const std::int64_t width = std::min(line.width, line.pixels - line.left);
  std::uint8_t* out = line.out;
  std::memset(out, zero, static_cast<std::size_t>(line.left) * bytes);
  out += static_cast<std::size_t>(line.left) * bytes;
  if (line.x_stride == line.channels && valid == bytes) {
    write(x, static_cast<std::size_t>(width) * channels, out);
    out += static_cast<std::size_t>(width) * bytes;
  } else {
    for (std::int64_t i = 0; i < width; ++i, out += bytes) {
      write(x + i * line.x_stride, channels, out);
      if (valid < bytes) {
        std::memset(out + valid, 0, bytes - valid);  // Any finite value would do: the weights are zero.
      }
    }
  }
  std::memset(out, zero, all - static_cast<std::size_t>(out - line.out));
}

void QuantizeLine(const ReducedLine& line, const Quantization& quantization) {
  with_type(line.x, [&](const auto* x) {
    write_line(line, x, 1, quantization.zero, [&](const auto* from, std::size_t count, std::uint8_t* to) {
      quantize(from, count, quantization, to);
    });
  });
}

/// Rounds to `To`, Bf16 or NativeBf16.
template <typename To>
HWY_INLINE void round_to_bf16(const float* x, std::size_t count, To* out) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    store_part(load_part(x + i, count - i), out + i, count - i);
  }
}
template <typename To>
HWY_INLINE void round_to_bf16(const Bf16* x, std::size_t count, To* out) {
  std::memcpy(out, x, count * sizeof(Bf16));
}

template <typename To>
void write_bf16_line(const ReducedLine& line) {
  with_type(line.x, [&](const auto* x) {
    write_line(line, x, sizeof(Bf16), 0, [](const auto* from, std::size_t count, std::uint8_t* to) {
      round_to_bf16(from, count, reinterpret_cast<To*>(to));
    });
  });
}

void LineToBf16(const ReducedLine& line, const Features& features) {
#if STREAMDIFFUSION_VNNI
  if (features.bf16) {
    write_bf16_line<NativeBf16>(line);
    return;
  }
#endif
  static_cast<void>(features);
  write_bf16_line<Bf16>(line);
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(GetValueRange);
HWY_EXPORT(QuantizeLine);
HWY_EXPORT(LineToBf16);

ValueRange value_range(const Elements& x, std::int64_t stride, std::int64_t pixels, std::int64_t channels) {
  return HWY_DYNAMIC_DISPATCH(GetValueRange)(x, stride, pixels, channels);
}

Quantization quantization_of(const ValueRange& range) {
  constexpr float kLargestByte = 255.0F;
  const float scale = (range.high - range.low) / kLargestByte;
  if (scale == 0 || !std::isfinite(scale)) {
    return {scale == 0 ? 1.0F : scale,
            0};  // A scale that is not finite stays: outputs are not finite either.
  }
  const float zero = std::nearbyint(-range.low / scale);
  return {scale, static_cast<std::int32_t>(std::clamp(zero, 0.0F, kLargestByte))};
}

void round_line(const ReducedLine& line, Format format, const Quantization& quantization,
                const Features& features) {
  switch (format) {
    case Format::int8:
      HWY_DYNAMIC_DISPATCH(QuantizeLine)(line, quantization);
      return;
    case Format::bf16:
      HWY_DYNAMIC_DISPATCH(LineToBf16)(line, features);
      return;
    case Format::int16:
      break;
  }
  throw std::logic_error("round_line: activations are rounded to int8 or bf16 only");
}

}  // namespace streamdiffusion::cpu
#endif
