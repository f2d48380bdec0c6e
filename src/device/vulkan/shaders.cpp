#include "device/vulkan/shaders.h"

// Each file is a list of SPIR-V's words, which the build makes of the shader (src/CMakeLists.txt).
namespace streamdiffusion::vulkan {

namespace {

constexpr std::uint32_t kAttention[] =
#include "attention.comp.inc"
    ;
constexpr std::uint32_t kDotProducts[] =
#include "dot_products.comp.inc"
    ;
constexpr std::uint32_t kElementwise[] =
#include "elementwise.comp.inc"
    ;
constexpr std::uint32_t kGroupNorm[] =
#include "group_norm.comp.inc"
    ;
constexpr std::uint32_t kGroupStatistics[] =
#include "group_statistics.comp.inc"
    ;
constexpr std::uint32_t kLayerNorm[] =
#include "layer_norm.comp.inc"
    ;
constexpr std::uint32_t kPackWeights[] =
#include "pack_weights.comp.inc"
    ;
constexpr std::uint32_t kPixels[] =
#include "pixels.comp.inc"
    ;
constexpr std::uint32_t kProduct[] =
#include "product.comp.inc"
    ;

}  // namespace

std::span<const std::uint32_t> spirv_of(Shader shader) {
  switch (shader) {
    case Shader::attention:
      return kAttention;
    case Shader::dot_products:
      return kDotProducts;
    case Shader::elementwise:
      return kElementwise;
    case Shader::group_norm:
      return kGroupNorm;
    case Shader::group_statistics:
      return kGroupStatistics;
    case Shader::layer_norm:
      return kLayerNorm;
    case Shader::pack_weights:
      return kPackWeights;
    case Shader::pixels:
      return kPixels;
    case Shader::product:
      return kProduct;
  }
  return {};
}

}  // namespace streamdiffusion::vulkan
