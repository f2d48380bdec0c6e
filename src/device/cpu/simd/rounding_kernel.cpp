#include <algorithm>
#include <cmath>
#include <cstring>

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

ValueRange range_of(const float* x, std::size_t count, const ValueRange& so_far) {
  const Tag d;
  auto low = hn::Set(d, so_far.low);
  auto high = hn::Set(d, so_far.high);
  auto low2 = low;
  auto high2 = high;
  std::size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const auto first = load_all(x + i);
    const auto second = load_all(x + i + kLanes);
    low = hn::Min(low, first);
    high = hn::Max(high, first);
    low2 = hn::Min(low2, second);
    high2 = hn::Max(high2, second);
  }
  for (; i < count; i += kLanes) {
    const auto value = load_part(x + i, count - i);
    low = hn::Min(low, value);
    high = hn::Max(high, value);
  }
  return {hn::GetLane(hn::MinOfLanes(d, hn::Min(low, low2))),
          hn::GetLane(hn::MaxOfLanes(d, hn::Max(high, high2)))};
}

/// Finds the range of bfloat16 by comparing bits. The maximum as int16 is the largest positive value; the
/// maximum as uint16 is the most negative one.
ValueRange range_of(const Bf16* x, std::size_t count, const ValueRange& so_far) {
  const hn::CappedTag<std::uint16_t, 32> du;
  const hn::CappedTag<std::int16_t, 32> d;
  constexpr std::size_t kAtOnce = hn::MaxLanes(du);
  auto high = hn::Zero(d);
  auto low = hn::Zero(du);
  const auto add = [&](auto bits) {
    low = hn::Max(low, bits);
    high = hn::Max(high, hn::BitCast(d, bits));
  };
  std::size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    add(hn::LoadU(du, &x[i].bits));
  }
  HWY_ALIGN Bf16 found[2 * kAtOnce] = {};
  if (i < count) {
    std::memcpy(found, x + i, (count - i) * sizeof(Bf16));
    add(hn::Load(du, &found->bits));
  }
  hn::Store(low, du, &found->bits);
  hn::Store(hn::BitCast(du, high), du, &found[kAtOnce].bits);
  const Tag df;
  auto least = hn::Set(df, so_far.low);
  auto most = hn::Set(df, so_far.high);
  for (std::size_t lane = 0; lane < kAtOnce; lane += kLanes) {
    least = hn::Min(least, load_all(found + lane));
    most = hn::Max(most, load_all(found + kAtOnce + lane));
  }
  return {hn::GetLane(hn::MinOfLanes(df, least)), hn::GetLane(hn::MaxOfLanes(df, most))};
}

ValueRange GetValueRange(const Elements& x, std::int64_t stride, std::int64_t pixels, std::int64_t channels) {
  if (stride == channels) {
    channels *= pixels;
    pixels = 1;
  }
  ValueRange range;
  with_type(x, [&](const auto* first) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      range = range_of(first + pixel * stride, static_cast<std::size_t>(channels), range);
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

#if STREAMDIFFUSION_VNNI
HWY_INLINE void round_to_bf16(const float* x, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    store_part(load_part(x + i, count - i), reinterpret_cast<NativeBf16*>(out) + i, count - i);
  }
}
HWY_INLINE void round_to_bf16(const Bf16* x, std::size_t count, std::uint8_t* out) {
  std::memcpy(out, x, count * sizeof(Bf16));
}
#endif

void LineToBf16(const ReducedLine& line) {
#if STREAMDIFFUSION_VNNI
  with_type(line.x, [&](const auto* x) {
    write_line(line, x, sizeof(Bf16), 0,
               [](const auto* from, std::size_t count, std::uint8_t* to) { round_to_bf16(from, count, to); });
  });
#else
  static_cast<void>(line);
#endif
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
  if (!(scale > 0) || !std::isfinite(scale)) {
    return {scale > 0 ? scale : 1.0F, 0};  // An infinite scale stays, so that outputs are not finite either.
  }
  const float zero = std::nearbyint(-range.low / scale);
  return {scale, static_cast<std::int32_t>(std::clamp(zero, 0.0F, kLargestByte))};
}

void round_line(const ReducedLine& line, Format format, const Quantization& quantization) {
  if (format == Format::int8) {
    HWY_DYNAMIC_DISPATCH(QuantizeLine)(line, quantization);
  } else {
    HWY_DYNAMIC_DISPATCH(LineToBf16)(line);
  }
}

}  // namespace streamdiffusion::cpu
#endif
