#pragma once

#include <cstddef>
#include <cstdint>

namespace streamdiffusion {

/// Element types of files and devices, by their safetensors names. The 8-bit floats, float8_e4m3fn and
/// float8_e5m2 in PyTorch, occur in files alone.
enum class DType : std::uint8_t { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(DType type);
const char* to_string(DType type);

}  // namespace streamdiffusion
