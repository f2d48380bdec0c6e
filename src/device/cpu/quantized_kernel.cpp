#include "device/cpu/quantized_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

// Unlike the other kernels this one is compiled for AVX-512 with VNNI, too.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/quantized_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/finish-inl.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using IntTag = hn::RebindToSigned<Tag>;
using Ints = hn::Vec<IntTag>;

// ---- Activations to bytes

ValueRange GetValueRange(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels) {
  const Tag d;
  if (stride == channels) {
    channels *= pixels;
    pixels = 1;
  }
  auto low = hn::Zero(d);
  auto high = hn::Zero(d);
  auto low2 = low;
  auto high2 = high;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* from = x + pixel * stride;
    const auto count = static_cast<std::size_t>(channels);
    std::size_t i = 0;
    for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
      const auto first = hn::LoadU(d, from + i);
      const auto second = hn::LoadU(d, from + i + kLanes);
      low = hn::Min(low, first);
      high = hn::Max(high, first);
      low2 = hn::Min(low2, second);
      high2 = hn::Max(high2, second);
    }
    for (; i < count; i += kLanes) {
      const auto value = load_part(from + i, count - i);
      low = hn::Min(low, value);
      high = hn::Max(high, value);
    }
  }
  return {hn::GetLane(hn::MinOfLanes(d, hn::Min(low, low2))),
          hn::GetLane(hn::MaxOfLanes(d, hn::Max(high, high2)))};
}

/// `count` floats to bytes. Multiplied, rounded and shifted one after the other, so that every instruction
/// set gives the same bytes.
HWY_INLINE void quantize(const float* x, std::size_t count, float inverse, std::int32_t zero,
                         std::uint8_t* out) {
  const Tag d;
  const IntTag di;
  const hn::Rebind<std::uint8_t, Tag> d8;
  const auto scale = hn::Set(d, inverse);
  const auto shift = hn::Set(di, zero);
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), scale));
    hn::StoreU(hn::DemoteTo(d8, hn::Add(rounded, shift)), d8, out + i);
  }
  if (i < count) {
    const auto rounded = hn::NearestInt(hn::Mul(load_part(x + i, count - i), scale));
    HWY_ALIGN std::uint8_t part[kLanes];
    hn::StoreU(hn::DemoteTo(d8, hn::Add(rounded, shift)), d8, part);
    std::memcpy(out + i, part, count - i);
  }
}

void QuantizeLine(const ByteLine& line, const Quantization& quantization) {
  const auto channels = static_cast<std::size_t>(line.channels);
  const std::size_t bytes = (channels + kQuad - 1) / kQuad * kQuad;
  const auto all = static_cast<std::size_t>(line.pixels) * bytes;
  if (line.x == nullptr) {
    std::memset(line.out, quantization.zero, all);
    return;
  }
  const float inverse = 1.0F / quantization.scale;
  const std::int64_t width = std::min(line.upsample ? line.width * 2 : line.width, line.pixels - line.left);
  std::uint8_t* out = line.out;
  std::memset(out, quantization.zero, static_cast<std::size_t>(line.left) * bytes);
  out += static_cast<std::size_t>(line.left) * bytes;
  if (!line.upsample && line.x_stride == line.channels && channels == bytes) {
    quantize(line.x, static_cast<std::size_t>(width) * bytes, inverse, quantization.zero, out);
    out += static_cast<std::size_t>(width) * bytes;
  } else {
    for (std::int64_t i = 0; i < width; ++i, out += bytes) {
      if (line.upsample && i % 2 != 0) {
        std::memcpy(out, out - bytes, bytes);
        continue;
      }
      quantize(line.x + (line.upsample ? i / 2 : i) * line.x_stride, channels, inverse, quantization.zero,
               out);
      std::memset(out + channels, 0, bytes - channels);  // meets weights of zero
    }
  }
  std::memset(out, quantization.zero, all - static_cast<std::size_t>(out - line.out));
}

// ---- The product of bytes

// AVX3_DL and the targets that include it.
#undef STREAMDIFFUSION_VNNI
#define STREAMDIFFUSION_VNNI (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)

/// Four products of bytes added to each lane of `sums`; `left` are unsigned, `right` signed.
HWY_INLINE Ints multiply_add(Ints sums, Ints left, Ints right) {
#if STREAMDIFFUSION_VNNI
  // Not by its intrinsic: Highway 1.0.3 names another VNNI to the compiler than the one it looks for.
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  return sums;
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  // As pairs of 16-bit numbers: those at even places, then those at odd ones.
  const IntTag di;
  const hn::Repartition<std::int16_t, IntTag> d16;
  const auto even_left = hn::And(left, hn::Set(di, 0x00FF00FF));
  const auto odd_left = hn::And(hn::ShiftRight<8>(left), hn::Set(di, 0x00FF00FF));
  const auto right16 = hn::BitCast(d16, right);
  const auto even_right = hn::ShiftRight<8>(hn::ShiftLeft<8>(right16));
  const auto odd_right = hn::ShiftRight<8>(right16);
#if HWY_TARGET == HWY_AVX3
  const Ints even{_mm512_madd_epi16(even_left.raw, even_right.raw)};
  const Ints odd{_mm512_madd_epi16(odd_left.raw, odd_right.raw)};
#else
  const Ints even{_mm256_madd_epi16(even_left.raw, even_right.raw)};
  const Ints odd{_mm256_madd_epi16(odd_left.raw, odd_right.raw)};
#endif
  return hn::Add(sums, hn::Add(even, odd));
#else
  const IntTag di;
  const auto byte = hn::Set(di, 0xFF);
  sums = hn::Add(sums, hn::Mul(hn::And(left, byte), hn::ShiftRight<24>(hn::ShiftLeft<24>(right))));
  sums = hn::Add(
      sums, hn::Mul(hn::And(hn::ShiftRight<8>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<16>(right))));
  sums = hn::Add(
      sums, hn::Mul(hn::And(hn::ShiftRight<16>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<8>(right))));
  return hn::Add(sums, hn::Mul(hn::And(hn::ShiftRight<24>(left), byte), hn::ShiftRight<24>(right)));
#endif
}

/// The lines of the kernel that a tile sees: as many runs of quads, which follow one another in the panel.
struct ByteTile {
  const std::uint8_t* x;
  std::size_t line_bytes;
  std::size_t x_stride;
  const std::int8_t* weights;
  std::size_t lines;
  std::size_t quads;
  std::int32_t* sums;
};

HWY_INLINE std::int32_t load_quad(const std::uint8_t* from) {
  std::int32_t quad = 0;
  std::memcpy(&quad, from, kQuad);
  return quad;
}

template <int kRows, int kVectors>
HWY_NOINLINE void multiply_bytes(const ByteTile& tile) {
  const IntTag di;
  Ints acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      acc[r][v] = hn::Zero(di);
    }
  }
  const std::size_t stride = tile.x_stride;
  const std::int8_t* HWY_RESTRICT weights = tile.weights;
  for (std::size_t line = 0; line < tile.lines; ++line) {
    const std::uint8_t* HWY_RESTRICT x = tile.x + line * tile.line_bytes;
    const std::uint8_t* end = x + tile.quads * kQuad;
#pragma GCC unroll 1
    while (x != end) {
      Ints column[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        column[v] = hn::Load(di, reinterpret_cast<const std::int32_t*>(weights) + v * kLanes);
      }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Ints left = hn::Set(di, load_quad(x + r * stride));
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          acc[r][v] = multiply_add(acc[r][v], left, column[v]);
        }
      }
      x += kQuad;
      weights += kVectors * kLanes * kQuad;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(acc[r][v], di, tile.sums + (r * kVectors + v) * kLanes);
    }
  }
}

using ByteTileFunction = void (*)(const ByteTile&);

template <int kVectors, int... kRows>
constexpr std::array<ByteTileFunction, kMaxTileRows + 1> byte_tiles(std::integer_sequence<int, kRows...>) {
  return {nullptr, &multiply_bytes<kRows + 1, kVectors>...};
}

/// The tile of `rows` x `vectors`; rows at most tile_rows(vectors).
ByteTileFunction byte_tile(int rows, int vectors) {
  static constexpr auto k1 = byte_tiles<1>(std::make_integer_sequence<int, tile_rows(1)>());
  static constexpr auto k2 = byte_tiles<2>(std::make_integer_sequence<int, tile_rows(2)>());
  if constexpr (kPanelVectors == 4) {
    static constexpr auto k3 = byte_tiles<3>(std::make_integer_sequence<int, tile_rows(3)>());
    static constexpr auto k4 = byte_tiles<4>(std::make_integer_sequence<int, tile_rows(4)>());
    if (vectors == 4) {
      return k4[static_cast<std::size_t>(rows)];
    }
    if (vectors == 3) {
      return k3[static_cast<std::size_t>(rows)];
    }
  }
  return vectors == 2 ? k2[static_cast<std::size_t>(rows)] : k1[static_cast<std::size_t>(rows)];
}

/// The sums as what they stand for, in the same place or elsewhere.
void dequantize(const QuantizedTask& task, const Panel& panel, const Pixels& p, const std::int32_t* sums,
                float* out) {
  const Tag d;
  const IntTag di;
  const std::int64_t pixel = p.line * task.conv.out_w + p.x;
  for (int r = 0; r < p.count; ++r) {
    const Quantization& x = task.quantization[task.quantized_by_pixel ? pixel + r : 0];
    const auto zero = hn::Set(di, x.zero);
    const auto scale = hn::Set(d, x.scale);
    for (int v = 0; v < panel.vectors; ++v) {
      const std::size_t column = panel.first_column + static_cast<std::size_t>(v) * kLanes;
      const std::size_t at = static_cast<std::size_t>(r * panel.vectors + v) * kLanes;
      const auto sum =
          hn::Sub(hn::Load(di, sums + at), hn::Mul(zero, hn::LoadU(di, task.weight_sums + column)));
      hn::Store(hn::Mul(hn::ConvertTo(d, sum), hn::Mul(scale, hn::LoadU(d, task.weight_scales + column))), d,
                out + at);
    }
  }
}

constexpr std::size_t kTileSums = kMaxTileRows * kPanelColumns;

std::int64_t QuantizedScratch() {
  return static_cast<std::int64_t>(kTileSums * (sizeof(std::int32_t) + sizeof(float)));
}

void RunQuantizedTask(const QuantizedTask& task, std::int64_t index, std::int64_t first_line,
                      std::int64_t last_line, float* scratch) {
  const ConvTask& conv = task.conv;
  const Panel panel = make_panel(conv, index);
  const auto line_quads = static_cast<std::size_t>(conv.kernel * task.pixel_bytes / kQuad);
  const std::size_t inner = static_cast<std::size_t>(conv.kernel * conv.kernel * task.pixel_bytes);
  const int most_rows = tile_rows(panel.vectors);
  float* values = scratch;
  auto* sums = reinterpret_cast<std::int32_t*>(scratch + kTileSums);
  ByteTile tile{nullptr,
                static_cast<std::size_t>(task.line_bytes),
                static_cast<std::size_t>(conv.stride * task.pixel_bytes),
                task.weights + panel.first_column * inner,
                static_cast<std::size_t>(conv.kernel),
                line_quads,
                sums};
  for (std::int64_t line = first_line; line < last_line; ++line) {
    const std::int64_t width = std::min(conv.out_w, conv.out_pixels - line * conv.out_w);
    const std::int64_t tiles = (width + most_rows - 1) / most_rows;
    std::int64_t x = 0;
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t end = width * (i + 1) / tiles;
      const Pixels pixels{line, line / conv.out_h, line % conv.out_h, x, static_cast<int>(end - x)};
      tile.x = task.x + (line - task.first_line) * conv.stride * task.line_bytes +
               x * conv.stride * task.pixel_bytes;
      byte_tile(pixels.count, panel.vectors)(tile);
      dequantize(task, panel, pixels, sums, values);
      finish_tile(panel, pixels, values, true, true);
      x = end;
    }
  }
}

bool MultipliesBytes() { return STREAMDIFFUSION_VNNI != 0; }

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(GetValueRange);
HWY_EXPORT(QuantizeLine);
HWY_EXPORT(QuantizedScratch);
HWY_EXPORT(RunQuantizedTask);
HWY_EXPORT(MultipliesBytes);

ValueRange value_range(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels) {
  return HWY_DYNAMIC_DISPATCH(GetValueRange)(x, stride, pixels, channels);
}

Quantization quantization_of(const ValueRange& range) {
  constexpr float kLargestByte = 255.0F;
  const float scale = (range.high - range.low) / kLargestByte;
  if (!(scale > 0) || !std::isfinite(scale)) {
    return {scale > 0 ? scale : 1.0F, 0};  // what is not finite stays so
  }
  const float zero = std::nearbyint(-range.low / scale);
  return {scale, static_cast<std::int32_t>(std::clamp(zero, 0.0F, kLargestByte))};
}

void quantize_line(const ByteLine& line, const Quantization& quantization) {
  HWY_DYNAMIC_DISPATCH(QuantizeLine)(line, quantization);
}

std::int64_t quantized_scratch() { return HWY_DYNAMIC_DISPATCH(QuantizedScratch)(); }

void quantized_task(const QuantizedTask& task, std::int64_t panel, std::int64_t first_line,
                    std::int64_t last_line, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunQuantizedTask)(task, panel, first_line, last_line, scratch);
}

bool multiplies_bytes() { return HWY_DYNAMIC_DISPATCH(MultipliesBytes)(); }

}  // namespace streamdiffusion::cpu
#endif
