#pragma once

#include <cstddef>
#include <cstdint>

namespace streamdiffusion {

/// Element types of files and devices. The 8-bit floats (float8_e4m3fn and float8_e5m2 in PyTorch) occur only
/// in files.
enum class DType : std::uint8_t { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u8, boolean };

/// Returns the size of an element in bytes.
std::size_t size_of(DType type);
/// Returns the name that safetensors files use, such as "F16".
const char* to_string(DType type);

}  // namespace streamdiffusion
