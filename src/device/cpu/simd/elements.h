#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"

// Elements of activations in memory: float32 or bf16. All arithmetic on them is float32.
namespace streamdiffusion::cpu {

/// A bf16: the upper 16 bits of a float32.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float value) { return value; }
inline float to_float(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16U); }

/// Stores `value`. A bf16 is rounded to the nearest, ties to even; NaN stays NaN.
inline void set(float& to, float value) { to = value; }
inline void set(Bf16& to, float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = std::isnan(value) ? bits | 0x400000U : bits + 0x7FFFU + (bits >> 16U & 1U);
  to.bits = static_cast<std::uint16_t>(rounded >> 16U);
}

/// A pointer to contiguous elements of either type. `operator+` advances by elements.
struct Elements {
  void* data = nullptr;
  DType type = DType::f32;

  [[nodiscard]] bool empty() const { return data == nullptr; }
  Elements operator+(std::int64_t count) const {
    return {static_cast<std::byte*>(data) + count * (type == DType::bf16 ? 2 : 4), type};
  }
};

inline Elements elements_of(const Tensor& tensor) { return {tensor.data, tensor.dtype}; }

/// Loads the first element.
inline float get(const Elements& from) {
  return from.type == DType::bf16 ? to_float(*static_cast<const Bf16*>(from.data))
                                  : *static_cast<const float*>(from.data);
}
/// Stores the first element.
inline void set(const Elements& to, float value) {
  if (to.type == DType::bf16) {
    set(*static_cast<Bf16*>(to.data), value);
  } else {
    *static_cast<float*>(to.data) = value;
  }
}

}  // namespace streamdiffusion::cpu
