#pragma once

#include <cstdint>
#include <span>

namespace streamdiffusion::vulkan {

/// The shaders of the folder shaders/.
enum class Shader : std::uint8_t {
  attention,
  dot_products,
  elementwise,
  group_norm,
  group_statistics,
  layer_norm,
  pack_weights,
  pixels,
  product,
};

/// Returns a shader as SPIR-V.
std::span<const std::uint32_t> spirv_of(Shader shader);

}  // namespace streamdiffusion::vulkan
