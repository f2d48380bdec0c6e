#include "device/cpu/conv/conv_plan.h"

#include <algorithm>

#include "device/cpu/conv/narrow_conv.h"

namespace streamdiffusion::cpu {

namespace {

// ---- int8 and bf16

// Layers with fewer input channels, a network's first, stay in float32: they are sensitive and fast anyway.
// Their inputs have 3 or 4.
constexpr std::int64_t kFewestReducedInputs = 16;
// Layers with fewer output channels, a network's last, are sensitive as well and do not use int8. They
// have 3 or 4.
constexpr std::int64_t kFewestInt8Outputs = 8;

std::optional<Format> plan_reduced(Precision precision, std::int64_t in_channels, std::int64_t out_channels,
                                   const Features& features) {
  if (precision == Precision::f32 || in_channels < kFewestReducedInputs) {
    return std::nullopt;
  }
  const bool is_narrow = out_channels < kFewestInt8Outputs;
  if (precision == Precision::int8 && !is_narrow) {
    return Format::int8;
  }
  const bool gains_by_bf16 = is_narrow ? features.amx : features.bf16;
  return gains_by_bf16 ? std::optional(Format::bf16) : std::nullopt;
}

std::optional<Format> plan_reduced(const HostConv2d& layer, const Features& features) {
  if (layer.resample == Resample::up && layer.kernel != 3) {
    return std::nullopt;  // ReducedConv2d splits only 3x3 kernels into parts.
  }
  return plan_reduced(layer.precision, layer.in_channels, layer.out_channels, features);
}

// ---- Winograd's algorithm

// Fewest input or output channels of a layer that uses Winograd's algorithm: the default model has
// layers of 32 and 48, with which its frame took a fifth less time in bf16 and a ninth in int8 (2026-11).
constexpr std::int64_t kFewestChannels = 32;
// Most input channels * output channels. Layers with more are deep in a network, where tiles are few and
// reading the weights dominates, so they gain little. Layers of 32 to 640 channels became 1.3 to
// 2.8 times as fast (2026-11).
constexpr std::int64_t kMostWeights = std::int64_t{640} * 640;
// Lower if there is an int8 or bf16 copy, which takes an eighth of the memory: less is gained then.
constexpr std::int64_t kMostWeightsWithReducedCopy = std::int64_t{320} * 960;
// Lower with phases, which take four times the memory again. It admits the layers of TAESD, which became 1.5
// times as fast (2026-11).
constexpr std::int64_t kMostPhaseWeights = std::int64_t{64} * 64;
// Most input channels * output channels of a layer that may see smaller images and has a second algorithm for
// them.
constexpr std::int64_t kMostWeightsPackedTwice = 80'000;

// Smallest images, in output pixels, for Winograd's algorithm. In smaller ones, the innermost of a small
// model, reading the transformed weights costs more than is saved: 4x4 tiles have four times the weights, 2x2
// tiles less than twice. At 8x8, 4x4 tiles saved 4% of the default model's UNet in one row and 10% in ten
// rows (2026-11).
constexpr std::int64_t kFewestPixels = 64;
constexpr std::int64_t kFewestPixelsOfSmallTiles = 16;
// The same beside weights in reduced precision, of which direct convolution reads an eighth of the bytes, for
// layers with up to kMostWeightsPackedTwice and with more.
constexpr std::int64_t kFewestPixelsBesideReduced = 256;
constexpr std::int64_t kFewestPixelsBesideLargeReduced = 1024;

std::int64_t weights_of_tap(const HostConv2d& layer) { return layer.in_channels * layer.out_channels; }
std::int64_t typical_pixels(const HostConv2d& layer) { return layer.typical_size * layer.typical_size; }

/// True if Winograd's fewer multiplications are worth the memory of its larger weights, judged by channel
/// counts.
bool is_worth_memory(const HostConv2d& layer, std::int64_t most_weights) {
  return layer.kernel == 3 && layer.resample != Resample::down &&
         std::min(layer.in_channels, layer.out_channels) >= kFewestChannels &&
         weights_of_tap(layer) <= most_weights;
}

/// True if the layer upsamples and 4x4 tiles compute it by phases.
bool has_phases(const HostConv2d& layer) {
  return layer.resample == Resample::up && is_worth_memory(layer, kMostPhaseWeights);
}

/// True if the layer will mostly see images that are too small for 4x4 tiles but not for 2x2 tiles.
bool needs_small_tiles(const HostConv2d& layer) {
  return typical_pixels(layer) >= kFewestPixelsOfSmallTiles && typical_pixels(layer) < kFewestPixels &&
         layer.resample == Resample::none && layer.precision == Precision::f32 &&
         weights_of_tap(layer) <= kMostWeightsPackedTwice;
}

/// The format of a higher precision than the layer's. It makes up for the algorithm's larger rounding errors.
WinogradFormat winograd_format(const HostConv2d& layer, const Processor& processor) {
  if (layer.precision == Precision::int8) {
    return processor.features.bf16 ? WinogradFormat::bf16 : WinogradFormat::int16;
  }
  const bool is_int16 =
      layer.precision == Precision::int16 && processor.multiplies_integers && has_phases(layer);
  return is_int16 ? WinogradFormat::int16 : WinogradFormat::f32;
}

/// Bytes of transformed inputs and products of a piece: 640 of Zen 4's 1024 KiB.
std::int64_t piece_bytes(const CacheSizes& caches) { return caches.used_second_level() * 5 / 8; }
/// Most bytes of the weights of a layer that is computed in pieces. All of them pass through the same cache
/// for each piece: 720 of 1024 KiB.
std::int64_t most_piece_weight_bytes(const CacheSizes& caches) {
  return caches.used_second_level() * 45 / 64;
}
/// Bytes of transformed inputs and products of a strip: 12 of Zen 4's 32 MiB.
std::int64_t strip_bytes(const CacheSizes& caches) { return caches.used_last_level() * 3 / 8; }

WinogradPlan make_winograd_plan(const HostConv2d& layer, const Processor& processor, WinogradTile tile,
                                std::int64_t min_pixels) {
  WinogradPlan plan{.format = winograd_format(layer, processor),
                    .tile = tile,
                    .phases = has_phases(layer) ? 4 : 1,
                    .min_pixels = min_pixels,
                    .strip_bytes = strip_bytes(processor.caches)};
  const std::int64_t weights = plan.positions() * plan.rows(layer) * plan.columns(layer, processor.lanes);
  if (weights * bytes_of(plan.format) <= most_piece_weight_bytes(processor.caches)) {
    plan.piece_bytes = piece_bytes(processor.caches);
  }
  return plan;
}

/// Plans Winograd's algorithm for the larger images of a layer in reduced precision, if it is faster there.
std::optional<WinogradPlan> plan_winograd_beside_reduced(const HostConv2d& layer,
                                                         const Processor& processor) {
  const std::int64_t min_pixels = weights_of_tap(layer) <= kMostWeightsPackedTwice
                                      ? kFewestPixelsBesideReduced
                                      : kFewestPixelsBesideLargeReduced;
  // With AMX the direct products are faster.
  if (!processor.multiplies_integers || processor.features.amx || typical_pixels(layer) < min_pixels) {
    return std::nullopt;
  }
  const bool gains = layer.resample == Resample::up ? layer.precision == Precision::int16 && has_phases(layer)
                                                    : is_worth_memory(layer, kMostWeightsWithReducedCopy);
  return gains ? std::optional(make_winograd_plan(layer, processor, WinogradTile::four, min_pixels))
               : std::nullopt;
}

ConvPlan plan_by_winograd(const HostConv2d& layer, const Processor& processor) {
  // With phases the output must be exactly twice the input; other sizes need a second algorithm.
  if (weights_of_tap(layer) > kMostWeightsPackedTwice && !has_phases(layer)) {
    return {.winograd = make_winograd_plan(layer, processor, WinogradTile::four, 0)};
  }
  return {.winograd = needs_small_tiles(layer)
                          ? make_winograd_plan(layer, processor, WinogradTile::two, kFewestPixelsOfSmallTiles)
                          : make_winograd_plan(layer, processor, WinogradTile::four, kFewestPixels),
          .direct = true};
}

// ---- Few output channels

/// True if NarrowConv2d computes layers of this kind, and the layer has at least a vector of input channels.
bool is_narrow(const HostConv2d& layer, const Processor& processor) {
  const bool has_nine_taps = (layer.kernel == 3 && layer.resample == Resample::none) ||
                             (layer.kernel == 5 && layer.resample == Resample::up);
  return has_nine_taps && layer.out_channels <= NarrowConv2d::kMostOutputs &&
         layer.in_channels >= processor.lanes;
}

ConvPlan plan_algorithms(const HostConv2d& layer, const Processor& processor) {
  if (const std::optional<Format> reduced = plan_reduced(layer, processor.features)) {
    return {.winograd = plan_winograd_beside_reduced(layer, processor), .reduced = reduced};
  }
  if (is_worth_memory(layer, kMostWeights)) {
    return plan_by_winograd(layer, processor);
  }
  if (is_narrow(layer, processor)) {
    return {.narrow = true, .direct = layer.resample == Resample::up};
  }
  return {.direct = true};
}

}  // namespace

ConvPlan plan_conv(const HostConv2d& layer, const Processor& processor) {
  ConvPlan plan = plan_algorithms(layer, processor);
  plan.upsamples = layer.resample == Resample::up;
  return plan;
}

std::optional<Format> plan_linear(const HostLinear& layer, const Processor& processor) {
  return plan_reduced(layer.precision, layer.in_channels, layer.out_channels, processor.features);
}

}  // namespace streamdiffusion::cpu
