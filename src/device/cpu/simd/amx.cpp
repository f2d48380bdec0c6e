#include "device/cpu/simd/amx.h"

#if defined(__x86_64__)
#include <type_traits>

namespace streamdiffusion::cpu {

namespace {

// Tile registers 0 to 3 hold a 2x2 block of sums, 4 and 5 two tiles of rows, 6 and 7 two tiles of weights.
// Each tile that is loaded takes part in two products.
constexpr int kRowTiles = 2;
constexpr int kColumnTiles = 2;
constexpr int kFirstRows = kRowTiles * kColumnTiles;
constexpr int kFirstWeights = kFirstRows + kRowTiles;
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
constexpr TileConfiguration kConfiguration = make_configuration();

// The instructions are written in assembler, since GCC's intrinsics take a register's number only as a
// literal, not as a template argument.

/// Makes the compiler write to memory all that load_tile may read from now on.
void finish_writes() { __asm__ volatile("" ::: "memory"); }

template <int kRegister>
void load_tile(const void* from, std::size_t pitch) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(pitch), "i"(kRegister));
}

template <int kRegister>
void store_tile(void* to, std::size_t pitch) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(pitch), "i"(kRegister) : "memory");
}

template <int kRegister>
void clear_tile() {
  __asm__ volatile("tilezero %%tmm%c0" ::"i"(kRegister));
}

/// Adds the product of a tile of rows and a tile of weights to a tile of sums.
template <AmxType kType, int kSums, int kRows, int kWeights>
void add_product() {
  if constexpr (kType == AmxType::bf16) {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kRows), "i"(kWeights));
  } else {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kRows), "i"(kWeights));
  }
}

/// Addresses of one block of up to kRowTiles x kColumnTiles tiles of sums and of its operands.
struct TileBlock {
  const std::uint8_t* x;
  const std::int8_t* weights;
  char* sums;
};

template <int kValue>
using Index = std::integral_constant<int, kValue>;

/// Calls function(row, column) for each tile of a block of sums. The arguments are constants (Index).
template <int kRows, int kColumns, typename Function>
void for_tiles(const Function& function) {
  function(Index<0>(), Index<0>());
  if constexpr (kColumns == 2) {
    function(Index<0>(), Index<1>());
  }
  if constexpr (kRows == 2) {
    function(Index<1>(), Index<0>());
    if constexpr (kColumns == 2) {
      function(Index<1>(), Index<1>());
    }
  }
}

template <AmxType kType, int kRows, int kColumns>
void multiply_block(const AmxProduct& p, const TileBlock& block) {
  const std::size_t pitch = p.columns * 4;  // Bytes between rows of sums.
  const auto sums = [&](int row, int column) {
    return block.sums + row * kAmxTile * pitch + column * kTileBytes;
  };
  for_tiles<kRows, kColumns>([&](auto row, auto column) {
    constexpr int kSums = row * kColumnTiles + column;
    p.add ? load_tile<kSums>(sums(row, column), pitch) : clear_tile<kSums>();
  });
  for (std::size_t line = 0; line < p.lines; ++line) {
    const std::uint8_t* x = block.x + line * p.x_line;
    const std::int8_t* weights = block.weights + line * p.weight_line;
    for (std::size_t step = 0; step < p.steps; ++step) {
      for_tiles<kRows, kColumns>([&](auto row, auto column) {
        if constexpr (row == 0) {
          load_tile<kFirstWeights + column>(weights + column * p.weight_tile, p.weight_row);
        }
        if constexpr (column == 0) {
          load_tile<kFirstRows + row>(x + row * kAmxTile * p.x_stride, p.x_stride);
        }
        add_product<kType, row * kColumnTiles + column, kFirstRows + row, kFirstWeights + column>();
      });
      x += kAmxStep;
      weights += kAmxStep / 4 * p.weight_row;
    }
  }
  for_tiles<kRows, kColumns>(
      [&](auto row, auto column) { store_tile<row * kColumnTiles + column>(sums(row, column), pitch); });
}

template <AmxType kType>
void multiply_all(const AmxProduct& p) {
  const std::size_t pitch = p.columns * 4;
  for (std::size_t column = 0; column < p.columns; column += kColumnTiles * kAmxTile) {
    const bool wide = column + kAmxTile < p.columns;
    for (std::size_t row = 0; row < p.rows; row += kRowTiles * kAmxTile) {
      const bool high = row + kAmxTile < p.rows;
      const TileBlock block{p.x + row * p.x_stride, p.weights + column / kAmxTile * p.weight_tile,
                            static_cast<char*>(p.sums) + row * pitch + column * 4};
      if (high) {
        wide ? multiply_block<kType, 2, 2>(p, block) : multiply_block<kType, 2, 1>(p, block);
      } else {
        wide ? multiply_block<kType, 1, 2>(p, block) : multiply_block<kType, 1, 1>(p, block);
      }
    }
  }
}

}  // namespace

void amx_multiply(const AmxProduct& product) {
  finish_writes();
  product.type == AmxType::bf16 ? multiply_all<AmxType::bf16>(product) : multiply_all<AmxType::int8>(product);
}

AmxRegisters::AmxRegisters() { __asm__ volatile("ldtilecfg %0" ::"m"(kConfiguration)); }

AmxRegisters::~AmxRegisters() { __asm__ volatile("tilerelease"); }

}  // namespace streamdiffusion::cpu

#else

namespace streamdiffusion::cpu {

void amx_multiply(const AmxProduct&) {}
AmxRegisters::AmxRegisters() = default;
AmxRegisters::~AmxRegisters() = default;

}  // namespace streamdiffusion::cpu

#endif
