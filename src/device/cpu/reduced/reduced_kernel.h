#pragma once

#include <cstdint>

#include "core/index_range.h"
#include "device/cpu/features.h"
#include "device/cpu/kernels.h"
#include "device/cpu/simd/rounding.h"

// Kernels of layers in int8 and bf16; kernels.h has those in float32.
namespace streamdiffusion::cpu {

/// A convolution, or matrix product, of some images or of a band of lines of one. The images are already
/// rounded and padded, and follow one another in memory.
struct ReducedTask {
  ConvTask conv;                    ///< Geometry, output and epilogue. Its `x` and `weights` are not used.
  Format format = Format::int8;     ///< Format of inputs and weights: int8 or bf16.
  Features features;                ///< Features of the processor that the kernel may use.
  const std::uint8_t* x = nullptr;  ///< First rounded pixel.
  std::int64_t pixel_bytes = 0;     ///< Bytes from pixel to pixel.
  std::int64_t line_bytes = 0;      ///< Bytes from line to line.
  std::int64_t image_bytes = 0;     ///< Bytes from image to image.
  std::int64_t images = 1;          ///< Number of images.
  std::int64_t lines = 1;           ///< Output lines of each image.
  std::int64_t first_line = 0;      ///< Index of the first output line, counted over all rows of the batch.
  /// Bytes of input of a pass, in which it is multiplied by all panels and stays in the second-level cache.
  std::int64_t pass_bytes = 0;

  const Quantization* quantization = nullptr;  ///< Quantisation of each image, or of each pixel (int8).
  bool quantized_by_pixel = false;             ///< True if `quantization` has an entry for each pixel.
  /// Panels [panel][kernel line][unit][column][4]. With AMX, panels are as wide as one of its tiles.
  const std::int8_t* weights = nullptr;
  std::int64_t weight_units = 0;              ///< Units in a kernel line, with its padding of zeros.
  const float* weight_scales = nullptr;       ///< Scale of each packed column (int8).
  const std::int32_t* weight_sums = nullptr;  ///< Sum of the weights of each packed column (int8).
};

/// Most output pixels of a block: contiguous pixels, including the padding between lines, that are computed
/// together. A multiple of 32, the rows that the AMX kernel computes at once.
constexpr std::int64_t kBlockPixels = 96;
/// Number of blocks of all images.
std::int64_t block_count(const ReducedTask& task);
/// Bytes after the end of the input that the kernel may read. They are multiplied by zero weights or not
/// used, but have to be finite numbers, so callers clear them.
std::int64_t bytes_read_beyond(const ReducedTask& task);

/// A part of a task: some panels of some blocks.
struct ReducedPart {
  IndexRange panels;
  IndexRange blocks;
};
/// Floats of scratch memory that reduced_task needs.
std::int64_t reduced_scratch();
/// Computes a part of a task on the calling thread. With AMX, the thread must hold AmxRegisters.
void reduced_task(const ReducedTask& task, const ReducedPart& part, float* scratch);
/// True if the instruction set in use adds pairs of int8 products in int16. Weights must then not exceed
/// kLargestWeightIn16Bits.
bool adds_in_16_bits(const Features& features);
constexpr float kLargestWeightIn16Bits = 64.0F;  // 2 * 64 * 255 < 2^15

}  // namespace streamdiffusion::cpu
