#pragma once

#include <cstddef>
#include <cstdint>

namespace streamdiffusion {

/// Element types of files and devices, by their safetensors names.
enum class DType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(DType type);
const char* to_string(DType type);

}  // namespace streamdiffusion
