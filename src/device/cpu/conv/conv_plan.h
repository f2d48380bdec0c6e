#pragma once

#include <cstdint>
#include <optional>

#include "device/cpu/cache_sizes.h"
#include "device/cpu/features.h"
#include "device/cpu/simd/rounding.h"
#include "device/cpu/winograd/winograd_plan.h"
#include "device/device.h"

// Chooses the algorithm and the number format of each layer. The functions depend on nothing but their
// arguments; no other code makes these choices.
namespace streamdiffusion::cpu {

/// The properties of a processor that decide which algorithm is fastest.
struct Processor {
  std::int64_t lanes = 1;            ///< Floats in a vector register.
  bool multiplies_integers = false;  ///< True if products of int8 and int16 are faster than those of float32.
  Features features = {};
  CacheSizes caches = {};
};

enum class ConvAlgorithm {
  direct,    ///< Matrix products in float32, without transforms (PackedMatrix).
  narrow,    ///< Dot products in float32, for a few output channels (NarrowConv2d).
  winograd,  ///< Winograd's minimal filtering (WinogradWeights).
  reduced,   ///< Matrix products in int8 or bf16 (ReducedConv2d).
};

/// The algorithms that a layer is packed for: one that computes all sizes, or one for most sizes with another
/// for the rest.
struct ConvPlan {
  std::optional<WinogradPlan> winograd = std::nullopt;
  std::optional<Format> reduced = std::nullopt;  ///< int8 or bf16.
  bool narrow = false;
  bool direct = false;
  bool upsamples = false;  ///< True if the layer upsamples its input by 2.

  /// Returns the algorithm for given sizes. Batch size does not matter, so that the result of a row is the
  /// same in any batch.
  [[nodiscard]] ConvAlgorithm algorithm(const Shape& in, std::int64_t padding, const Shape& out) const {
    // By phases, an output is exactly twice the input.
    const auto is_doubled = [&] { return out.h == 2 * in.h && out.w == 2 * in.w; };
    if (winograd && out.h * out.w >= winograd->min_pixels &&
        (winograd->phases == 1 || (padding == 1 && is_doubled()))) {
      return ConvAlgorithm::winograd;
    }
    if (reduced) {
      return ConvAlgorithm::reduced;
    }
    const bool is_narrow = narrow && (!upsamples || (padding == 2 && is_doubled()));
    return is_narrow ? ConvAlgorithm::narrow : ConvAlgorithm::direct;
  }
};

/// Plans a convolution; the layer's weights are not read. Layers in int8, int16 or bf16 may be planned in
/// float32 if that is not slower.
ConvPlan plan_conv(const HostConv2d& layer, const Processor& processor);

/// Returns the reduced format of a linear layer, or nothing if it is computed in float32.
std::optional<Format> plan_linear(const HostLinear& layer, const Processor& processor);

}  // namespace streamdiffusion::cpu
