#pragma once

#include <cstdint>

#include "device/cpu/kernels.h"

// Kernels for 8-bit layers, as kernels.h has them for float32.
namespace streamdiffusion::cpu {

/// Bytes that are multiplied and added in one step of a lane.
constexpr std::int64_t kQuad = 4;

/// How activations are written as bytes: x = scale * (byte - zero). Zero itself is exact.
struct Quantization {
  float scale = 1.0F;
  std::int32_t zero = 0;
};

/// The smallest and largest of some values and zero.
struct ValueRange {
  float low = 0.0F;
  float high = 0.0F;
};
ValueRange value_range(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels);
/// The finest that holds the range.
Quantization quantization_of(const ValueRange& range);

/// A line of a picture as bytes, with a border of zeros and each pixel filled up to whole quads.
struct ByteLine {
  const float* x = nullptr;  ///< the line; nullptr: zeros
  std::int64_t x_stride = 0;
  std::int64_t channels = 0;
  std::int64_t width = 0;   ///< pixels of the line
  bool upsample = false;    ///< every pixel stands twice
  std::int64_t left = 0;    ///< zeros before the line
  std::int64_t pixels = 0;  ///< to be written
  std::uint8_t* out = nullptr;
};
void quantize_line(const ByteLine& line, const Quantization& quantization);

/// A convolution of bytes. Its input has its padding around it and its pixels enlarged already.
struct QuantizedTask {
  ConvTask conv;  ///< its output, kernel and stride
  const std::uint8_t* x = nullptr;
  std::int64_t pixel_bytes = 0;  ///< input channels in whole quads
  std::int64_t line_bytes = 0;
  std::int64_t first_line = 0;                 ///< the output line that x begins at
  const Quantization* quantization = nullptr;  ///< of x
  bool quantized_by_pixel = false;             ///< or one for all
  const std::int8_t* weights = nullptr;        ///< panels: [panel][tap][quad][column][4]
  const float* weight_scales = nullptr;        ///< of each packed column
  const std::int32_t* weight_sums = nullptr;   ///< likewise
};
/// Bytes of scratch memory that quantized_task needs.
std::int64_t quantized_scratch();
/// Computes output lines first .. last - 1 (counted over all rows of the batch) of one panel.
void quantized_task(const QuantizedTask& task, std::int64_t panel, std::int64_t first_line,
                    std::int64_t last_line, float* scratch);
/// Whether the machine multiplies bytes by an instruction of its own; otherwise it takes as long as float32.
bool multiplies_bytes();

}  // namespace streamdiffusion::cpu
