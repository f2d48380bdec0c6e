// The inner product of everything here: a tile of a matrix product held in registers; included once for each
// instruction set.
#if defined(STREAMDIFFUSION_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_TILE_INL
#undef STREAMDIFFUSION_TILE_INL
#else
#define STREAMDIFFUSION_TILE_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <utility>

#include "core/round_up.h"
#include "device/cpu/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int kRegisters = HWY_ARCH_X86 && kLanes < 16 ? 16 : 32;

/// Vectors across a full panel of packed columns.
inline constexpr int kPanelVectors = kRegisters == 32 ? 4 : 2;
inline constexpr std::size_t kPanelColumns = kPanelVectors * kLanes;
inline constexpr std::size_t kVectorBytes = kLanes * sizeof(float);

/// Rows of a tile of `vectors` vectors: as many as registers hold beside the columns and one broadcast.
inline constexpr int tile_rows(int vectors) {
  const int rows = (kRegisters - 1 - vectors) / vectors;
  return rows > 14 ? 14 : (vectors == 4 && rows > 6 ? 6 : rows);
}
inline constexpr int kMaxTileRows = 14;

/// A stretch of the inner dimension: where it begins in the first row of the left matrix and in the panel.
struct Run {
  const float* a;
  const float* b;
  std::size_t length;
};

/// The same part of the panel in half precision, and where it is to be left in float32: where `b` of its run
/// is.
struct PackedRun {
  const Half* packed;
  float* unpacked;
};

/// c = rows of `a`, `a_stride` apart, times the panel, summed over the runs; rows x (vectors * kLanes).
struct Tile {
  const Run* runs;
  std::size_t run_count;
  std::size_t a_stride;
  float* c;
  std::size_t c_stride;
  const PackedRun* packed_runs = nullptr;  ///< as many, for a tile that unpacks what others then use
  /// What is fetched into the cache meanwhile, a vector for each step; null: what the tile itself will use.
  const std::byte* next = nullptr;
};

/// What tiles that pass over the same weights are to fetch meanwhile: the first one its own, the others
/// little by little as many that follow in memory, which are likely to be used next. Reading and multiplying
/// then take place at the same time.
class NextWeights {
 public:
  NextWeights() = default;
  /// Those that follow.
  NextWeights(const void* next, std::size_t bytes)
      : next_(static_cast<const std::byte*>(next)), end_(next_ + bytes) {}

  /// Of the next tile, which has so many steps.
  const std::byte* take(std::size_t steps) {
    if (first_) {
      first_ = false;
      return nullptr;
    }
    const std::byte* const next = next_ < end_ ? next_ : nullptr;
    next_ += steps * kVectorBytes;
    return next;
  }

 private:
  const std::byte* next_ = nullptr;
  const std::byte* end_ = nullptr;
  bool first_ = true;
};

// Steps that weights are fetched ahead of their use: a panel does not stay in the first-level cache.
inline constexpr int kAhead = 12;

template <int kRows, int kVectors, bool kUnpacks>
HWY_NOINLINE void multiply_tile(const Tile& tile) {
  const Tag d;
  using V = hn::Vec<Tag>;
  V acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      acc[r][v] = hn::Zero(d);
    }
  }
  const std::size_t stride = tile.a_stride;
  const std::size_t ahead_step = tile.next != nullptr ? kVectorBytes : kVectors * kVectorBytes;
  const std::byte* ahead = tile.next;
  for (std::size_t run = 0; run < tile.run_count; ++run) {
    const float* HWY_RESTRICT a = tile.runs[run].a;
    const float* HWY_RESTRICT b = tile.runs[run].b;
    const float* end = a + tile.runs[run].length;
    if (tile.next == nullptr) {
      ahead = reinterpret_cast<const std::byte*>(b) + kAhead * kVectors * kVectorBytes;
    }
    const Half* HWY_RESTRICT packed = nullptr;
    float* HWY_RESTRICT unpacked = nullptr;
    if constexpr (kUnpacks) {
      packed = tile.packed_runs[run].packed;
      unpacked = tile.packed_runs[run].unpacked;
    }
#pragma GCC unroll 1
    while (a != end) {
      V column[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        if constexpr (kUnpacks) {
          column[v] = load_all(packed + v * kLanes);
          hn::Store(column[v], d, unpacked + v * kLanes);
        } else {
          column[v] = hn::Load(d, b + v * kLanes);
          hwy::Prefetch(ahead + v * kVectorBytes);
        }
      }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const V left = hn::Set(d, a[r * stride]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          acc[r][v] = hn::MulAdd(left, column[v], acc[r][v]);
        }
      }
      ++a;
      if constexpr (kUnpacks) {
        packed += kVectors * kLanes;
        unpacked += kVectors * kLanes;
      } else {
        b += kVectors * kLanes;
        ahead += ahead_step;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(acc[r][v], d, tile.c + r * tile.c_stride + v * kLanes);
    }
  }
}

template <typename Tiles, int kVectors, int... kRows>
constexpr std::array<typename Tiles::Function, kMaxTileRows + 1> tiles_of_width(
    std::integer_sequence<int, kRows...>) {
  return {nullptr, Tiles::template kOf<kRows + 1, kVectors>...};
}

/// All of `Tiles` that are `kVectors` wide, by their rows.
template <typename Tiles, int kVectors>
inline constexpr auto kTilesOfWidth =
    tiles_of_width<Tiles, kVectors>(std::make_integer_sequence<int, tile_rows(kVectors)>());

/// The one of `Tiles` with `rows` x `vectors`; rows at most tile_rows(vectors).
template <typename Tiles>
typename Tiles::Function choose_tile(int rows, int vectors) {
  const auto row = static_cast<std::size_t>(rows);
  if constexpr (kPanelVectors == 4) {
    if (vectors == 4) {
      return kTilesOfWidth<Tiles, 4>[row];
    }
    if (vectors == 3) {
      return kTilesOfWidth<Tiles, 3>[row];
    }
  }
  return vectors == 2 ? kTilesOfWidth<Tiles, 2>[row] : kTilesOfWidth<Tiles, 1>[row];
}

template <bool kUnpacks>
struct FloatTiles {
  using Function = void (*)(const Tile&);
  template <int kRows, int kVectors>
  static constexpr Function kOf = &multiply_tile<kRows, kVectors, kUnpacks>;
};

inline FloatTiles<false>::Function tile_function(int rows, int vectors) {
  return choose_tile<FloatTiles<false>>(rows, vectors);
}

/// The one that unpacks, of a full panel.
inline FloatTiles<true>::Function unpacking_tile_function(int rows) {
  return kTilesOfWidth<FloatTiles<true>, kPanelVectors>[static_cast<std::size_t>(rows)];
}

/// Vectors of the panel that begins at `column` of `columns`.
inline int panel_vectors(std::size_t column, std::size_t columns) {
  const std::size_t rest = columns - column;
  return rest >= kPanelColumns ? kPanelVectors : static_cast<int>(divide_up(rest, kLanes));
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
