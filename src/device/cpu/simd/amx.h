#pragma once

#include <cstddef>
#include <cstdint>

// Matrix products in the tile registers of AMX, which Intel's Xeons have from Sapphire Rapids on. The
// functions may be called only if Features::amx is true. On other processors than x86-64 they do nothing.
namespace streamdiffusion::cpu {

/// Number of rows of a tile register, and of its columns of four bytes each.
constexpr std::int64_t kAmxTile = 16;
/// Bytes of the inner dimension that one instruction multiplies.
constexpr std::int64_t kAmxStep = 64;

enum class AmxType {
  int8,  ///< Unsigned int8 inputs times signed int8 weights, summed in int32.
  bf16,  ///< bf16 inputs and weights, summed in float32.
};

/// A product of rows of inputs and a panel of weights. The inner dimension consists of `lines` runs (for a
/// convolution the lines of its kernel), which lie `x_line` and `weight_line` bytes apart.
struct AmxProduct {
  AmxType type = AmxType::int8;
  const std::uint8_t* x = nullptr;  ///< First row; readable up to whole tiles of rows and whole steps.
  std::size_t x_stride = 0;         ///< Bytes between rows.
  std::size_t x_line = 0;           ///< Bytes between lines.
  /// Weights in tiles of kAmxTile columns. A row of a tile holds four bytes of the inner dimension for each
  /// column. Loads are fastest if rows are contiguous.
  const std::int8_t* weights = nullptr;
  std::size_t weight_row = 0;   ///< Bytes between rows of a tile.
  std::size_t weight_line = 0;  ///< Bytes between lines.
  std::size_t weight_tile = 0;  ///< Bytes between tiles of columns.
  std::size_t columns = 0;      ///< Columns of the panel, a multiple of kAmxTile.
  std::size_t lines = 0;
  std::size_t steps = 0;  ///< Steps of kAmxStep bytes in each line.
  std::size_t rows = 0;
  bool add = false;      ///< True adds to the values in `sums`; false overwrites them.
  void* sums = nullptr;  ///< [rows, rounded up to whole tiles][columns] of int32 or float32.
};
/// Computes the product. The calling thread must hold an AmxRegisters.
void amx_multiply(const AmxProduct& product);

/// Configures the calling thread's tile registers for amx_multiply and releases them when destroyed.
class AmxRegisters {
 public:
  AmxRegisters();
  ~AmxRegisters();
  AmxRegisters(const AmxRegisters&) = delete;
  AmxRegisters& operator=(const AmxRegisters&) = delete;
};

}  // namespace streamdiffusion::cpu
