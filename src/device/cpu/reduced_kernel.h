#pragma once

#include <cstdint>

#include "device/cpu/features.h"
#include "device/cpu/kernels.h"
#include "device/cpu/rounding.h"

// Kernels for layers in 8 or 16 bits, as kernels.h has them for float32.
namespace streamdiffusion::cpu {

/// A convolution of some pictures, or of bands of lines of one. They have their padding around them and lie
/// one after the other.
struct ReducedTask {
  ConvTask conv;  ///< its output, kernel and stride
  Format format = Format::int8;
  Features features;
  const std::uint8_t* x = nullptr;
  std::int64_t pixel_bytes = 0;
  std::int64_t line_bytes = 0;
  std::int64_t picture_bytes = 0;
  std::int64_t pictures = 1;
  std::int64_t lines = 1;       ///< output lines of each
  std::int64_t first_line = 0;  ///< output line, over all rows of the batch, that the first one begins at

  const Quantization* quantization = nullptr;  ///< of each picture of bytes
  bool quantized_by_pixel = false;             ///< or of each pixel
  const std::int8_t* weights = nullptr;        ///< panels: [panel][kernel line][unit][column][4], for AMX in
                                               ///< panels as wide as a tile
  std::int64_t weight_units = 0;               ///< in a kernel line, with its padding of zeros
  const float* weight_scales = nullptr;        ///< of each packed column of bytes
  const std::int32_t* weight_sums = nullptr;   ///< likewise
};

/// Output pixels are computed in blocks of as many that follow one another, a line's padding among them.
constexpr std::int64_t kBlockPixels = 96;
std::int64_t block_count(const ReducedTask& task);
/// Bytes after the end of the input that are read (and multiplied with zeros, or not used).
std::int64_t bytes_read_beyond(const ReducedTask& task);

/// Some panels of some blocks.
struct ReducedPart {
  std::int64_t first_panel;
  std::int64_t last_panel;
  std::int64_t first_block;
  std::int64_t last_block;
};
/// Floats of scratch memory that reduced_task needs.
std::int64_t reduced_scratch();
void reduced_task(const ReducedTask& task, const ReducedPart& part, float* scratch);
/// Whether the instruction set in use adds products of bytes by twos in 16 bits, for which weights are to be
/// at most kLargestWeightIn16Bits.
bool adds_in_16_bits(const Features& features);
constexpr float kLargestWeightIn16Bits = 64.0F;  // 2 * 64 * 255 < 2^15
/// Whether the instruction set in use multiplies and adds integers of 8 and 16 bits faster than floats.
bool multiplies_integers();
/// Whether the instruction set in use is AVX-512 with VNNI, with which AMX and AVX512_BF16 go.
bool uses_avx512_vnni();

}  // namespace streamdiffusion::cpu
