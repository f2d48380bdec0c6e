#pragma once

#include <cstddef>
#include <cstdint>
#include <numbers>

#include "core/round_up.h"
#include "device/cpu/features.h"
#include "device/cpu/simd/elements.h"
#include "device/cpu/threads/scratch.h"
#include "device/cpu/threads/thread_pool.h"
#include "device/cpu/winograd/winograd_plan.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Weights of a 3x3 convolution of stride 1 for Winograd's minimal filtering (Lavin and Gray, arXiv
/// 1509.09308). Filters and the inputs of a tile are transformed to one value for each of some positions.
/// Each position has a matrix product over the input channels; its results are transformed to outputs.
///
/// F(4x4, 3x3) takes 36 multiplications in place of 144, and four times the memory for weights, so it is for
/// small layers. F(2x2, 3x3) takes 16 in place of 36 and less than twice the memory. It is for images with so
/// few 4x4 tiles that reading the weights dominates, in float32 only. F(6x6, 3x3) was not faster.
///
/// Products are in float32, bf16 or int16. Bf16 has an error of about 1% of the usual output, as int8 has
/// without Winograd; int16 has less. Int16 inputs have a scale for each tile, weights one for each output
/// channel. Both have a factor for each position, since transforms amplify positions differently. Sums do not
/// overflow int32, since the weights' magnitudes limit the inputs' range.
///
/// Small layers that upsample by 2 work on the input itself, by phases: the four outputs of an input pixel
/// have 2x2 filters of their own. Four times F(5x5, 2x2), with the same inputs and points, gives 10x10
/// outputs for 144 multiplications; F(4x4, 3x3) on the upsampled image takes 225.
class WinogradWeights {
 public:
  WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host, const WinogradPlan& plan);

  /// Distance between neighbouring tiles in pixels, measured in the output (with phases, in the input).
  [[nodiscard]] std::int64_t tile_stride() const { return phases == 1 ? outputs : 5; }
  /// Number of tiles along a side of the output. With phases the first one begins a pixel before the output.
  [[nodiscard]] std::int64_t tile_count(std::int64_t side) const {
    return phases == 1 ? divide_up(side, outputs) : divide_up(side + 1, 10);
  }
  /// Number of transformed values of a tile; each position has a matrix of its own.
  [[nodiscard]] std::int64_t positions() const { return (outputs + 2) * (outputs + 2); }

  WinogradFormat format;
  std::int64_t outputs;  ///< Output pixels on a side of a tile: 2 or 4, also with phases.
  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< Input channels padded to whole vectors, as in the transformed inputs.
  std::int64_t padded_out_channels;
  Resample resample;
  std::int64_t phases;            ///< 4 if the layer upsamples by phases, else 1.
  std::int64_t piece_bytes;       ///< WinogradPlan::piece_bytes.
  std::int64_t strip_bytes;       ///< WinogradPlan::strip_bytes.
  std::int64_t columns;           ///< Columns of the matrices: [phase][padded out channel].
  std::int64_t panels;            ///< Panels that the columns form.
  std::int64_t position_numbers;  ///< Weights in one position's matrix, padding included.
  /// [position][panel][in channel][column]; 16-bit: [position][panel][pair of in channels][column][2].
  Buffer weights;
  Buffer bias;              ///< Padded to whole vectors; empty if the layer has none.
  Buffer scales;            ///< Scale of each column (int16 only).
  float largest_input = 0;  ///< Largest magnitude of a transformed input (int16 only).

 private:
  /// Calls write(column, index in a position's matrix, values of all positions) for each weight of a panel.
  template <typename Write>
  void for_filters(const HostConv2d& host, std::int64_t panel, const Write& write) const;
  /// Packs float32 or bf16 weights.
  void pack(ThreadPool& pool, const HostConv2d& host);
  /// Packs int16 weights and sets `scales` and `largest_input`.
  void pack_int16(Device& device, ThreadPool& pool, const HostConv2d& host);
  /// Packs a panel of int16 weights. Returns the largest sum of magnitudes of a column at one position.
  std::int64_t pack_int16_panel(const HostConv2d& host, std::int64_t panel);
};

/// One convolution by Winograd's algorithm.
struct WinogradTask {
  const WinogradWeights* weights = nullptr;
  Tensor x;
  Tensor out;
  Conv2dOptions options;
  Features features;
};

/// Positions of a 4x4 tile.
constexpr std::int64_t kWinogradPositions = 36;

/// The points at which Winograd's algorithm evaluates polynomials. 4x4 tiles use 0, infinity, and kNear and
/// kFar with both signs; 2x2 tiles use 0, 1, -1 and infinity. The customary 1 and 2 in place of kNear and
/// kFar double the rounding errors. The product of kNear and kFar is 1, which saves multiplications. On the
/// choice of points: Barabasz, Anderson, Soodhalter and Gregg, arXiv 1803.10986.
namespace winograd_points {
constexpr float kNear = std::numbers::sqrt2_v<float> / 2;
constexpr float kFar = std::numbers::sqrt2_v<float>;
constexpr float kNearSquare = 0.5F;
constexpr float kFarSquare = 2.0F;

/// Limits of the transformed inputs of a point, relative to the largest input. The ends are 0 and infinity.
constexpr float kEndInputs = 1 + kNearSquare + kFarSquare + 1;
constexpr float kNearInputs = (1 + kFarSquare) * (1 + kNear);
constexpr float kFarInputs = (1 + kNearSquare) * (1 + kFar);
/// The limits in the transforms' order of points: 0, kNear, -kNear, kFar, -kFar, infinity.
constexpr float kInputs[] = {kEndInputs, kNearInputs, kNearInputs, kFarInputs, kFarInputs, kEndInputs};

/// Typical magnitudes of a point's transformed weights, relative to the taps': the largest possible sum
/// divided by sqrt(taps of a side), since the signs of taps differ.
struct WeightShares {
  static constexpr float kEnd = 1;
  float near;
  float far;

  /// The share of a point, in the transforms' order.
  [[nodiscard]] constexpr float share(std::int64_t point) const {
    const float shares[] = {kEnd, near, near, far, far, kEnd};
    return shares[point];
  }
  /// Value of one unit of an int16 product at kNear and -kNear, relative to one at the ends.
  [[nodiscard]] constexpr float near_products() const { return kNearInputs * near / (kEndInputs * kEnd); }
  /// The same at kFar and -kFar.
  [[nodiscard]] constexpr float far_products() const { return kFarInputs * far / (kEndInputs * kEnd); }
};
/// Magnitude of the product of a point's distances from the other points.
constexpr float kNearDistances = 2 * kNearSquare * (kFarSquare - kNearSquare);
constexpr float kFarDistances = 2 * kFarSquare * (kFarSquare - kNearSquare);
constexpr WeightShares kShares{
    .near = (1 + kNear + kNearSquare) / std::numbers::sqrt3_v<float> / kNearDistances,
    .far = (1 + kFar + kFarSquare) / std::numbers::sqrt3_v<float> / kFarDistances};
constexpr WeightShares kPhaseShares{.near = (1 + kNear) / std::numbers::sqrt2_v<float> / kNearDistances,
                                    .far = (1 + kFar) / std::numbers::sqrt2_v<float> / kFarDistances};
}  // namespace winograd_points

/// Computes the convolution on all threads.
void run_winograd(Workers& workers, const WinogradTask& task);

// Kernels; each computes on the calling thread. Tiles are numbered line after line over all rows of the
// batch. Positions are `stride` elements apart.

/// Transforms the inputs of tiles first .. last - 1 to `into` [position][tile][padded_in_channels], in the
/// weights' format. For int16, writes each tile's scale to `scales`.
void winograd_input(const WinogradTask& task, std::int64_t first, std::int64_t last, std::byte* into,
                    std::int64_t stride, float* scales);
/// Multiplies `tiles` transformed inputs of one position, [tile][padded_in_channels], by a panel of the
/// position's matrix. Writes its columns of `products` [tile][columns]: int32 for int16, else float32.
void winograd_product(const WinogradTask& task, std::int64_t position, std::int64_t panel, std::int64_t tiles,
                      const std::byte* inputs, float* products);
/// Transforms the products `from` [position][tile][columns] of tiles first .. last - 1 to outputs. Adds bias,
/// row bias and residual and applies the activation. `scales` are those of winograd_input.
void winograd_output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
                     std::int64_t stride, const float* scales);
/// Transforms a filter [3][3] to a value for each position.
void winograd_filter(const float* filter, WinogradTile tile, float* into);
/// Transforms a filter [3][3] of a layer that upsamples for one phase and 4x4 tiles. Phase 2 y + x gives
/// output pixel (2 i - y, 2 j - x) of input pixel (i, j).
void winograd_phase_filter(const float* filter, std::int64_t phase, float* into);

}  // namespace streamdiffusion::cpu
