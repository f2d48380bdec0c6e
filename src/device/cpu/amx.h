#pragma once

#include <cstddef>
#include <cstdint>

// Matrix products in the tile registers of AMX (Intel, from Sapphire Rapids on). To be called only where
// Features says that they are there.
namespace streamdiffusion::cpu {

/// Rows, and columns of four bytes, of a tile register.
constexpr std::int64_t kAmxTile = 16;
/// Bytes of the inner dimension that one instruction takes.
constexpr std::int64_t kAmxStep = 64;

enum class AmxType {
  int8,  ///< unsigned bytes times signed bytes, summed in 32-bit integers
  bf16,  ///< bfloat16, summed in float32
};

/// Rows of bytes times a panel of weights, over lines of the inner dimension.
struct AmxProduct {
  AmxType type = AmxType::int8;
  const std::uint8_t* x = nullptr;  ///< readable for whole tiles of rows and whole steps
  std::size_t x_stride = 0;         ///< bytes from row to row
  std::size_t x_line = 0;           ///< bytes from line to line
  /// Rows of four bytes of the inner dimension for each of a tile's columns: best one after the other.
  const std::int8_t* weights = nullptr;
  std::size_t weight_row = 0;   ///< bytes from row to row
  std::size_t weight_line = 0;  ///< bytes from line to line
  std::size_t weight_tile = 0;  ///< bytes from a tile of columns to the next
  std::size_t columns = 0;      ///< of the panel: whole tiles
  std::size_t lines = 0;
  std::size_t steps = 0;  ///< of kAmxStep bytes in each line
  std::size_t rows = 0;
  bool add = false;      ///< to what is in `sums`
  void* sums = nullptr;  ///< [rows in whole tiles][columns], 32 bits each
};
void amx_multiply(const AmxProduct& product);

/// The tile registers of the calling thread, ready for amx_multiply while it lives.
class AmxRegisters {
 public:
  AmxRegisters();
  ~AmxRegisters();
  AmxRegisters(const AmxRegisters&) = delete;
  AmxRegisters& operator=(const AmxRegisters&) = delete;
};

}  // namespace streamdiffusion::cpu
