// Float32 matrix products, with a tile of the result in registers. Included once for each instruction set.
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
#include <cstdint>
#include <utility>

#include "core/round_up.h"
#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int kRegisters = HWY_ARCH_X86 && kLanes < 16 ? 16 : 32;

/// Vectors in a row of a full panel.
inline constexpr int kPanelVectors = kRegisters == 32 ? 4 : 2;
inline constexpr std::size_t kPanelColumns = kPanelVectors * kLanes;
inline constexpr std::size_t kVectorBytes = kLanes * sizeof(float);

/// Most rows of a tile `vectors` wide: registers hold its sums, a row of the panel and a broadcast.
inline constexpr int tile_rows(int vectors) {
  const int rows = (kRegisters - 1 - vectors) / vectors;
  return rows > 14 ? 14 : (vectors == 4 && rows > 6 ? 6 : rows);
}
inline constexpr int kMaxTileRows = 14;

/// Splits `rows` rows of a product that is `vectors` wide into tiles of similar size, and calls
/// function(first row, number of rows) for each.
template <typename Function>
HWY_INLINE void for_row_tiles(std::int64_t rows, int vectors, const Function& function) {
  const std::int64_t tiles = divide_up(rows, tile_rows(vectors));
  std::int64_t first = 0;
  for (std::int64_t i = 1; i <= tiles; ++i) {
    const std::int64_t end = rows * i / tiles;
    function(first, static_cast<int>(end - first));
    first = end;
  }
}

/// A contiguous stretch of the inner dimension.
struct Run {
  const float* a;      // Its first element in the first row of the left matrix.
  const float* b;      // Its first row in the panel.
  std::size_t length;  // Steps: rows of the panel.
};

/// The panel's part of a run in float16, for a tile that unpacks it.
struct PackedRun {
  const Half* packed;
  float* unpacked;  // Where the float32 weights are written: `b` of the run.
};

/// A matrix product c = a * panel, summed over the runs; c is rows x (vectors * kLanes).
struct Tile {
  const Run* runs;
  std::size_t run_count;
  std::size_t a_stride;  ///< Elements from row to row of the left matrix.
  float* c;
  std::size_t c_stride;                    ///< Elements from row to row of `c`.
  const PackedRun* packed_runs = nullptr;  ///< One for each run if the tile unpacks float16 weights.
  /// Memory to prefetch while multiplying, a vector for each step; null to prefetch the tile's own weights.
  const std::byte* next = nullptr;
};

/// Chooses what each of several tiles that use the same weights prefetches. The first tile prefetches its own
/// weights. The others prefetch the weights that follow in memory, little by little, since those are likely
/// to be used next. Memory is thus read while the processor multiplies.
class NextWeights {
 public:
  NextWeights() = default;
  /// `next` are the weights that follow, of `bytes` bytes.
  NextWeights(const void* next, std::size_t bytes)
      : next_(static_cast<const std::byte*>(next)), end_(next_ + bytes) {}

  /// Returns Tile::next of the next tile, which has so many steps.
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

// Steps that a tile prefetches ahead: layers of SD-Turbo's shapes took up to 8% less time (AMX, 2026-11).
inline constexpr int kAhead = 12;

/// Calls function(v) for each vector of a row, unrolled, so that arrays indexed by v stay in registers.
template <int kVectors, typename Function>
HWY_INLINE void for_vectors_of_row(const Function& function) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    function(v);
  }
}

/// The sums of a tile of kRows x kVectors vectors, held in registers.
template <typename V, int kRows, int kVectors>
class TileSums {
 public:
  /// Calls function(sum, row, v) for each vector. `sum` is a reference.
  template <typename Function>
  HWY_INLINE void for_each(const Function& function) {
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        function(sums_[row][v], row, v);
      }
    }
  }

  /// Adds the products of each row's element, left(row), and a row of the panel: sum = multiply_add(sum,
  /// left, column[v]).
  template <typename Left, typename MultiplyAdd>
  HWY_INLINE void add(const Left& left, const V (&column)[kVectors], const MultiplyAdd& multiply_add) {
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const V value = left(row);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sums_[row][v] = multiply_add(sums_[row][v], value, column[v]);
      }
    }
  }

 private:
  V sums_[kRows][kVectors];
};

template <int kRows, int kVectors, bool kUnpacks>
HWY_NOINLINE void multiply_tile(const Tile& tile) {
  const Tag d;
  using V = hn::Vec<Tag>;
  TileSums<V, kRows, kVectors> sums;
  sums.for_each([&](V& sum, int, int) { sum = hn::Zero(d); });
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
      for_vectors_of_row<kVectors>([&](int v) {
        if constexpr (kUnpacks) {
          column[v] = load_all(packed + v * kLanes);
          hn::Store(column[v], d, unpacked + v * kLanes);
        } else {
          column[v] = hn::Load(d, b + v * kLanes);
          hwy::Prefetch(ahead + v * kVectorBytes);
        }
      });
      sums.add([a, stride](int row) { return hn::Set(Tag(), a[row * stride]); }, column,
               [](V sum, V left, V right) { return hn::MulAdd(left, right, sum); });
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
  sums.for_each(
      [&](V sum, int row, int v) { hn::StoreU(sum, d, tile.c + row * tile.c_stride + v * kLanes); });
}

template <typename Tiles, int kVectors, int... kRows>
constexpr std::array<typename Tiles::Function, kMaxTileRows + 1> tiles_of_width(
    std::integer_sequence<int, kRows...>) {
  return {nullptr, Tiles::template kOf<kRows + 1, kVectors>...};
}

/// The functions of `Tiles` for tiles that are `kVectors` wide, indexed by the number of rows.
template <typename Tiles, int kVectors>
inline constexpr auto kTilesOfWidth =
    tiles_of_width<Tiles, kVectors>(std::make_integer_sequence<int, tile_rows(kVectors)>());

/// Returns the function of `Tiles` for `rows` x `vectors`; rows is at most tile_rows(vectors).
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

/// Returns the function for `rows` rows of a full panel that unpacks float16 weights.
inline FloatTiles<true>::Function unpacking_tile_function(int rows) {
  return kTilesOfWidth<FloatTiles<true>, kPanelVectors>[static_cast<std::size_t>(rows)];
}

/// Returns the width, in vectors, of the panel that begins at `column` of `columns`.
inline int panel_vectors(std::size_t column, std::size_t columns) {
  const std::size_t rest = columns - column;
  return rest >= kPanelColumns ? kPanelVectors : static_cast<int>(divide_up(rest, kLanes));
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
