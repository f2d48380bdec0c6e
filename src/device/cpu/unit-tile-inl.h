// The inner product of layers in 8 or 16 bits: a tile of a matrix product held in registers; included once
// for each instruction set.
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

#include "device/cpu/bf16-inl.h"
#include "device/cpu/rounding.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<Tag>;
using Ints = hn::Vec<IntTag>;

/// How units are multiplied.
enum class UnitProduct {
  bytes,           ///< four of an unsigned and a signed byte each
  bytes_avx_vnni,  ///< the same on processors that have AVX_VNNI beside this instruction set
  bf16,            ///< two of bfloat16
};

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
/// Products of bytes, added by twos in 16 bits: signed ones are small enough (adds_in_16_bits).
HWY_INLINE Ints multiply_bytes(Ints left, Ints right) {
#if HWY_TARGET == HWY_AVX3
  return Ints{_mm512_madd_epi16(_mm512_maddubs_epi16(left.raw, right.raw), _mm512_set1_epi16(1))};
#else
  return Ints{_mm256_madd_epi16(_mm256_maddubs_epi16(left.raw, right.raw), _mm256_set1_epi16(1))};
#endif
}
#endif

/// The products of a unit, `left` of unsigned and `right` of signed bytes, added to each lane of `sums`:
/// integers, or floats.
template <UnitProduct kProduct>
HWY_INLINE Ints multiply_add(Ints sums, Ints left, Ints right) {
#if STREAMDIFFUSION_VNNI
  if constexpr (kProduct == UnitProduct::bf16) {
    return add_pairs(sums, left, right);
  }
  // Not by its intrinsic: Highway 1.0.3 names another VNNI to the compiler than the one it looks for.
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  return sums;
#elif HWY_TARGET == HWY_AVX3
  return hn::Add(sums, multiply_bytes(left, right));
#elif HWY_TARGET == HWY_AVX2
  if constexpr (kProduct == UnitProduct::bytes_avx_vnni) {
    // Likewise: the compiler may use no more than AVX2.
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums.raw) : "x"(left.raw), "x"(right.raw));
    return sums;
  }
  return hn::Add(sums, multiply_bytes(left, right));
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

/// The lines of the kernel that a tile sees: as many runs of units, which follow one another in the panel.
struct UnitTile {
  const std::uint8_t* x;
  std::size_t x_line;    // bytes from line to line
  std::size_t x_stride;  // from pixel to pixel
  const std::int8_t* weights;
  std::size_t weight_line;
  std::size_t lines;
  std::size_t units;
  bool add;     // to what is in `sums`
  float* sums;  // or integers of the same size
  std::size_t sums_stride;
};

HWY_INLINE std::int32_t load_unit(const std::uint8_t* from) {
  std::int32_t unit = 0;
  std::memcpy(&unit, from, kUnit);
  return unit;
}

HWY_INLINE Ints load_sums(const float* from) { return hn::BitCast(IntTag(), hn::LoadU(Tag(), from)); }
HWY_INLINE void store_sums(Ints sums, float* to) { hn::StoreU(hn::BitCast(Tag(), sums), Tag(), to); }

/// `kSigned`: bytes of x are signed, those of the weights are not.
template <UnitProduct kProduct, bool kSigned, int kRows, int kVectors>
HWY_NOINLINE void multiply_units(const UnitTile& tile) {
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
  for (std::size_t line = 0; line < tile.lines; ++line) {
    const std::uint8_t* HWY_RESTRICT x = tile.x + line * tile.x_line;
    const std::uint8_t* end = x + tile.units * kUnit;
    const std::int8_t* HWY_RESTRICT weights = tile.weights + line * tile.weight_line;
#pragma GCC unroll 1
    while (x != end) {
      Ints column[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        column[v] = hn::Load(di, reinterpret_cast<const std::int32_t*>(weights) + v * kLanes);
        hwy::Prefetch(weights + (kAhead * kVectors + v) * kLanes * kUnit);
      }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Ints left = hn::Set(di, load_unit(x + r * stride));
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          acc[r][v] = kSigned ? multiply_add<kProduct>(acc[r][v], column[v], left)
                              : multiply_add<kProduct>(acc[r][v], left, column[v]);
        }
      }
      x += kUnit;
      weights += kVectors * kLanes * kUnit;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* sums = tile.sums + r * tile.sums_stride + v * kLanes;
      if (tile.add) {
        if constexpr (kProduct == UnitProduct::bf16) {
          acc[r][v] = hn::BitCast(di, hn::Add(hn::BitCast(Tag(), acc[r][v]), hn::LoadU(Tag(), sums)));
        } else {
          acc[r][v] = hn::Add(acc[r][v], load_sums(sums));
        }
      }
      store_sums(acc[r][v], sums);
    }
  }
}

template <UnitProduct kProduct, bool kSigned>
struct UnitTiles {
  using Function = void (*)(const UnitTile&);
  template <int kRows, int kVectors>
  static constexpr Function kOf = &multiply_units<kProduct, kSigned, kRows, kVectors>;
};

/// `tile` for `rows` rows, as many at a time as registers hold.
template <UnitProduct kProduct, bool kSigned = false>
void multiply_rows(UnitTile tile, std::int64_t rows, int vectors) {
  const std::int64_t most = tile_rows(vectors);
  const std::int64_t tiles = (rows + most - 1) / most;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t count = rows * (i + 1) / tiles - rows * i / tiles;
    choose_tile<UnitTiles<kProduct, kSigned>>(static_cast<int>(count), vectors)(tile);
    tile.x += static_cast<std::size_t>(count) * tile.x_stride;
    tile.sums += static_cast<std::size_t>(count) * tile.sums_stride;
  }
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
