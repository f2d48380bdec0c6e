#include "device/cpu/simd/amx.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define STREAMDIFFUSION_AMX __attribute__((target("amx-tile,amx-int8,amx-bf16")))

namespace streamdiffusion::cpu {

namespace {

// Tile registers 0 to 3 hold a 2x2 block of sums, 4 and 5 two tiles of rows, 6 and 7 two tiles of weights.
// Each tile that is loaded takes part in two products.
constexpr std::size_t kRowTiles = 2;
constexpr std::size_t kColumnTiles = 2;
constexpr std::size_t kTileBytes = 64;  // Bytes of one row of a tile.

/// The operand of the instruction ldtilecfg, in the layout that Intel prescribes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

constexpr TileConfiguration make_configuration() {
  TileConfiguration configuration;
  for (std::size_t tile = 0; tile < 8; ++tile) {
    configuration.row_bytes[tile] = kTileBytes;
    configuration.rows[tile] = kAmxTile;
  }
  return configuration;
}
// Static, because GCC's intrinsic claims to read only the size of a pointer: stores to a local variable could
// be optimised away.
constexpr TileConfiguration kConfiguration = make_configuration();

/// Addresses of one block of up to kRowTiles x kColumnTiles tiles of sums and of its operands.
struct TileBlock {
  const std::uint8_t* x;
  const std::int8_t* weights;
  char* sums;
};

template <bool kBf16, int kRows, int kColumns>
STREAMDIFFUSION_AMX void multiply_tiles(const AmxProduct& p, const TileBlock& block) {
  const std::size_t pitch = p.columns * 4;  // Bytes between rows of sums.
  char* below = block.sums + kAmxTile * pitch;
  if (p.add) {
    _tile_loadd(0, block.sums, pitch);
    if constexpr (kColumns == 2) {
      _tile_loadd(1, block.sums + kTileBytes, pitch);
    }
    if constexpr (kRows == 2) {
      _tile_loadd(2, below, pitch);
      if constexpr (kColumns == 2) {
        _tile_loadd(3, below + kTileBytes, pitch);
      }
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::size_t line = 0; line < p.lines; ++line) {
    const std::uint8_t* x = block.x + line * p.x_line;
    const std::int8_t* weights = block.weights + line * p.weight_line;
    for (std::size_t step = 0; step < p.steps; ++step) {
      _tile_loadd(6, weights, p.weight_row);
      _tile_loadd(4, x, p.x_stride);
      if constexpr (kBf16) {
        _tile_dpbf16ps(0, 4, 6);
      } else {
        _tile_dpbusd(0, 4, 6);
      }
      if constexpr (kColumns == 2) {
        _tile_loadd(7, weights + p.weight_tile, p.weight_row);
        if constexpr (kBf16) {
          _tile_dpbf16ps(1, 4, 7);
        } else {
          _tile_dpbusd(1, 4, 7);
        }
      }
      if constexpr (kRows == 2) {
        _tile_loadd(5, x + kAmxTile * p.x_stride, p.x_stride);
        if constexpr (kBf16) {
          _tile_dpbf16ps(2, 5, 6);
        } else {
          _tile_dpbusd(2, 5, 6);
        }
        if constexpr (kColumns == 2) {
          if constexpr (kBf16) {
            _tile_dpbf16ps(3, 5, 7);
          } else {
            _tile_dpbusd(3, 5, 7);
          }
        }
      }
      x += kAmxStep;
      weights += kAmxStep / 4 * p.weight_row;
    }
  }
  _tile_stored(0, block.sums, pitch);
  if constexpr (kColumns == 2) {
    _tile_stored(1, block.sums + kTileBytes, pitch);
  }
  if constexpr (kRows == 2) {
    _tile_stored(2, below, pitch);
    if constexpr (kColumns == 2) {
      _tile_stored(3, below + kTileBytes, pitch);
    }
  }
}

template <bool kBf16>
void multiply_all(const AmxProduct& p) {
  const std::size_t pitch = p.columns * 4;
  for (std::size_t column = 0; column < p.columns; column += kColumnTiles * kAmxTile) {
    const bool wide = column + kAmxTile < p.columns;
    for (std::size_t row = 0; row < p.rows; row += kRowTiles * kAmxTile) {
      const bool high = row + kAmxTile < p.rows;
      const TileBlock block{p.x + row * p.x_stride, p.weights + column / kAmxTile * p.weight_tile,
                            static_cast<char*>(p.sums) + row * pitch + column * 4};
      if (high) {
        wide ? multiply_tiles<kBf16, 2, 2>(p, block) : multiply_tiles<kBf16, 2, 1>(p, block);
      } else {
        wide ? multiply_tiles<kBf16, 1, 2>(p, block) : multiply_tiles<kBf16, 1, 1>(p, block);
      }
    }
  }
}

STREAMDIFFUSION_AMX void configure() { _tile_loadconfig(&kConfiguration); }

STREAMDIFFUSION_AMX void release() { _tile_release(); }

}  // namespace

void amx_multiply(const AmxProduct& product) {
  product.type == AmxType::bf16 ? multiply_all<true>(product) : multiply_all<false>(product);
}

AmxRegisters::AmxRegisters() { configure(); }

AmxRegisters::~AmxRegisters() { release(); }

}  // namespace streamdiffusion::cpu

#else

namespace streamdiffusion::cpu {

void amx_multiply(const AmxProduct&) {}
AmxRegisters::AmxRegisters() = default;
AmxRegisters::~AmxRegisters() = default;

}  // namespace streamdiffusion::cpu

#endif
