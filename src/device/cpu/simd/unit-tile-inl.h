// The matrix product of layers in int8, int16 and bf16: a tile of the result is held in registers. Operands
// are units of four bytes (rounding.h). Included once for each instruction set.
#if defined(STREAMDIFFUSION_UNIT_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_UNIT_TILE_INL
#undef STREAMDIFFUSION_UNIT_TILE_INL
#else
#define STREAMDIFFUSION_UNIT_TILE_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/round_up.h"
#include "device/cpu/features.h"
#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/rounding.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<Tag>;
using Ints = hn::Vec<IntTag>;

/// True if pairs of int8 products are added in int16, which limits weights to kLargestWeightIn16Bits.
inline bool adds_pairs_of_bytes(const Features& features) {
  return HWY_TARGET == HWY_AVX3 || (HWY_TARGET == HWY_AVX2 && !features.avx_vnni);
}

#if HWY_TARGET == HWY_AVX3
HWY_INLINE Ints multiply_pairs(Ints left, Ints right) { return Ints{_mm512_madd_epi16(left.raw, right.raw)}; }
HWY_INLINE Ints multiply_bytes(Ints left, Ints right) {
  return multiply_pairs(Ints{_mm512_maddubs_epi16(left.raw, right.raw)}, hn::Set(IntTag(), 0x10001));
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE Ints multiply_pairs(Ints left, Ints right) { return Ints{_mm256_madd_epi16(left.raw, right.raw)}; }
HWY_INLINE Ints multiply_bytes(Ints left, Ints right) {
  return multiply_pairs(Ints{_mm256_maddubs_epi16(left.raw, right.raw)}, hn::Set(IntTag(), 0x10001));
}
#else
HWY_INLINE Ints multiply_pairs(Ints left, Ints right) {
  const auto low = [](Ints x) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(x)); };
  const auto high = [](Ints x) { return hn::ShiftRight<16>(x); };
  return hn::Add(hn::Mul(low(left), low(right)), hn::Mul(high(left), high(right)));
}
HWY_INLINE Ints multiply_bytes(Ints left, Ints right) {
  const auto byte = hn::Set(IntTag(), 0xFF);
  auto sum = hn::Mul(hn::And(left, byte), hn::ShiftRight<24>(hn::ShiftLeft<24>(right)));
  sum = hn::Add(
      sum, hn::Mul(hn::And(hn::ShiftRight<8>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<16>(right))));
  sum = hn::Add(
      sum, hn::Mul(hn::And(hn::ShiftRight<16>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<8>(right))));
  return hn::Add(sum, hn::Mul(hn::And(hn::ShiftRight<24>(left), byte), hn::ShiftRight<24>(right)));
}
#endif

/// Does what the AVX512_BF16 instruction does (add_pairs in bf16-inl.h), but with more roundings.
HWY_INLINE Ints add_products_of_bf16(Ints sums, Ints left, Ints right) {
  const Tag d;
  const auto low = [&](Ints x) { return hn::BitCast(d, hn::ShiftLeft<16>(x)); };
  const auto high = [&](Ints x) {
    return hn::BitCast(d, hn::And(x, hn::Set(IntTag(), static_cast<std::int32_t>(0xFFFF0000U))));
  };
  const auto sum = hn::MulAdd(low(left), low(right), hn::BitCast(d, sums));
  return hn::BitCast(IntTag(), hn::MulAdd(high(left), high(right), sum));
}

/// Multiplies the units in each lane and adds the products to `sums`: float32 for bf16, else int32. For int8,
/// `left` is unsigned and `right` signed. With kAvxVnni, AVX2 code uses the instructions of AVX_VNNI.
template <Format kFormat, bool kAvxVnni>
HWY_INLINE Ints multiply_add(Ints sums, Ints left, Ints right) {
  // Assembler, since Highway 1.0.3 enables another VNNI in the compiler than it checks for; with AVX2 none.
#if STREAMDIFFUSION_VNNI
  if constexpr (kFormat == Format::bf16) {
    return add_pairs(sums, left, right);
  } else if constexpr (kFormat == Format::int16) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  } else {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  }
  return sums;
#else
#if HWY_TARGET == HWY_AVX2
  if constexpr (kAvxVnni && kFormat == Format::int16) {
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sums.raw) : "x"(left.raw), "x"(right.raw));
    return sums;
  }
  if constexpr (kAvxVnni && kFormat == Format::int8) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums.raw) : "x"(left.raw), "x"(right.raw));
    return sums;
  }
#endif
  if constexpr (kFormat == Format::bf16) {
    return add_products_of_bf16(sums, left, right);
  }
  return hn::Add(sums, kFormat == Format::int16 ? multiply_pairs(left, right) : multiply_bytes(left, right));
#endif
}

/// A tile of a matrix product, summed over lines of a convolution's kernel; a plain product has one line.
struct UnitTile {
  const std::uint8_t* x;       // First unit of the tile's first pixel.
  std::size_t x_line;          // Bytes from line to line of `x`.
  std::size_t x_stride;        // Bytes from pixel to pixel.
  const std::int8_t* weights;  // First unit of the panel.
  std::size_t weight_line;     // Bytes from line to line of the weights.
  std::size_t lines;
  std::size_t units;  // Units in a line.
  bool add;           // True to add to `sums`, false to overwrite them.
  float* sums;        // float32 for bf16, else int32.
  std::size_t sums_stride;
  bool avx_vnni = false;  // True if the processor has AVX_VNNI.
};

HWY_INLINE std::int32_t load_unit(const std::uint8_t* from) {
  std::int32_t unit = 0;
  std::memcpy(&unit, from, kUnit);
  return unit;
}

HWY_INLINE Ints load_sums(const float* from) { return hn::BitCast(IntTag(), hn::LoadU(Tag(), from)); }
HWY_INLINE void store_sums(Ints sums, float* to) { hn::StoreU(hn::BitCast(Tag(), sums), Tag(), to); }

/// Computes a tile of kRows pixels and kVectors vectors of columns. With kSigned, int8 inputs are signed and
/// weights unsigned; else the other way round.
template <Format kFormat, bool kAvxVnni, bool kSigned, int kRows, int kVectors>
HWY_NOINLINE void multiply_units(const UnitTile& tile) {
  const IntTag di;
  TileSums<Ints, kRows, kVectors> sums;
  sums.for_each([&](Ints& sum, int, int) { sum = hn::Zero(di); });
  const std::size_t stride = tile.x_stride;
  for (std::size_t line = 0; line < tile.lines; ++line) {
    const std::uint8_t* HWY_RESTRICT x = tile.x + line * tile.x_line;
    const std::uint8_t* end = x + tile.units * kUnit;
    const std::int8_t* HWY_RESTRICT weights = tile.weights + line * tile.weight_line;
#pragma GCC unroll 1
    while (x != end) {
      Ints column[kVectors];
      for_vectors_of_row<kVectors>([&](int v) {
        column[v] = hn::Load(di, reinterpret_cast<const std::int32_t*>(weights) + v * kLanes);
        hwy::Prefetch(weights + (kAhead * kVectors + v) * kLanes * kUnit);
      });
      sums.add([x, stride](int row) { return hn::Set(IntTag(), load_unit(x + row * stride)); }, column,
               [](Ints sum, Ints left, Ints right) {
                 return kSigned ? multiply_add<kFormat, kAvxVnni>(sum, right, left)
                                : multiply_add<kFormat, kAvxVnni>(sum, left, right);
               });
      x += kUnit;
      weights += kVectors * kLanes * kUnit;
    }
  }
  sums.for_each([&](Ints sum, int row, int v) {
    float* const to = tile.sums + row * tile.sums_stride + v * kLanes;
    if (tile.add) {
      if constexpr (kFormat == Format::bf16) {
        sum = hn::BitCast(di, hn::Add(hn::BitCast(Tag(), sum), hn::LoadU(Tag(), to)));
      } else {
        sum = hn::Add(sum, load_sums(to));
      }
    }
    store_sums(sum, to);
  });
}

template <Format kFormat, bool kAvxVnni, bool kSigned>
struct UnitTiles {
  using Function = void (*)(const UnitTile&);
  template <int kRows, int kVectors>
  static constexpr Function kOf = &multiply_units<kFormat, kAvxVnni, kSigned, kRows, kVectors>;
};

template <typename Tiles>
void multiply_rows_by(UnitTile tile, std::int64_t rows, int vectors) {
  for_row_tiles(rows, vectors, [&](std::int64_t, int count) {
    choose_tile<Tiles>(count, vectors)(tile);
    tile.x += static_cast<std::size_t>(count) * tile.x_stride;
    tile.sums += static_cast<std::size_t>(count) * tile.sums_stride;
  });
}

/// Computes `rows` pixels from the tile's first on, in tiles of as many rows as the registers hold.
template <Format kFormat, bool kSigned = false>
void multiply_rows(const UnitTile& tile, std::int64_t rows, int vectors) {
#if HWY_TARGET == HWY_AVX2
  if (tile.avx_vnni) {
    multiply_rows_by<UnitTiles<kFormat, true, kSigned>>(tile, rows, vectors);
    return;
  }
#endif
  multiply_rows_by<UnitTiles<kFormat, false, kSigned>>(tile, rows, vectors);
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
