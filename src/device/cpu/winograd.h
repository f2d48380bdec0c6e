#pragma once

#include <cstddef>
#include <cstdint>
#include <numbers>

#include "device/cpu/elements.h"
#include "device/cpu/features.h"
#include "device/cpu/scratch.h"
#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// What transformed inputs and weights are multiplied in.
enum class WinogradFormat { f32, bf16, int16 };
constexpr std::int64_t bytes_of(WinogradFormat format) { return format == WinogradFormat::f32 ? 4 : 2; }

/// Outputs a side of a tile: F(4x4, 3x3), or F(2x2, 3x3).
enum class WinogradTile : std::uint8_t { two = 2, four = 4 };

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, arXiv
/// 1509.09308): 36 multiplications where 144 would be. Four times the memory for the weights, so it is for
/// layers that are small. (F(6x6, 3x3) was no faster in any format: what it saves its transforms take.)
///
/// F(2x2, 3x3), in float32, is for pictures that have few of such tiles, so that reading the weights takes
/// the time: 16 multiplications where 36 would be, and less than twice the memory.
///
/// Multiplied in float32, or rounded before: to bfloat16 (AVX512_BF16), which gives an error of 1% of what is
/// usual, as that of bytes without Winograd's algorithm, or to whole numbers of 16 bits, which give less.
/// Inputs in whole numbers have a scale for each tile, by the largest input that it sees, weights one for
/// each output channel, and both have shares for each of the six points, by how large its transform can get
/// or mostly gets. No sum overflows 32 bits: inputs are held to what the weights' sum of sizes leaves.
///
/// Of a picture that is enlarged, the four outputs where one pixel was have filters of 2x2 of their own,
/// which is what small layers do: F(5x5, 2x2) four times, of the same inputs with the same points, gives
/// 10x10 outputs for 144 multiplications, where the enlarged picture's tiles would take 225.
class WinogradWeights {
 public:
  WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host, WinogradFormat format,
                  WinogradTile tile = WinogradTile::four);

  /// Whether the saving is worth the memory, by the layer's channels alone. `beside`: beside weights in 8 or
  /// 16 bits.
  static bool suits(const HostConv2d& host, bool beside);
  /// Whether an enlarged picture would be computed by phases, of tiles of four.
  static bool has_phases(const HostConv2d& host);
  /// Whether these give a picture of that size: phases need one of twice the size, to the pixel.
  [[nodiscard]] bool serves(const Shape& in, std::int64_t padding, const Shape& out) const {
    return phases == 1 || (padding == 1 && out.h == 2 * in.h && out.w == 2 * in.w);
  }
  /// Pixels from tile to tile: of the output, or with phases of the input.
  [[nodiscard]] std::int64_t step() const { return phases == 1 ? outputs : 5; }
  /// Tiles along a side of the output; with phases the first one begins a pixel before it.
  [[nodiscard]] std::int64_t tiles(std::int64_t side) const {
    return phases == 1 ? (side + outputs - 1) / outputs : (side + 10) / 10;
  }
  /// How many products a tile has, of one matrix each.
  [[nodiscard]] std::int64_t positions() const { return (outputs + 2) * (outputs + 2); }

  WinogradFormat format;
  std::int64_t outputs;  ///< a side of a tile
  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< to whole vectors, as the transformed tensors have them
  std::int64_t padded_out_channels;
  Resample resample;
  std::int64_t phases;   ///< 4: of an enlarged picture as it was; else 1
  std::int64_t columns;  ///< of the matrices: [phase][out channel], padded
  std::int64_t panels;
  std::int64_t position_numbers;  ///< of one position's matrix
  Buffer weights;  ///< each position's matrix, in panels: [panel][in channel][column], of 16 bits in pairs of
                   ///< in channels
  Buffer bias;     ///< padded to whole vectors, or empty
  Buffer scales;   ///< of whole numbers: what one is of each column
  float largest_input = 0;  ///< of whole numbers

 private:
  /// Calls write(column, its place in a position's matrix, each position's value) for all of a panel.
  template <typename Write>
  void for_filters(const HostConv2d& host, std::int64_t panel, const Write& write) const;
  void pack(ThreadPool& pool, const HostConv2d& host);
  void pack_whole(Device& device, ThreadPool& pool, const HostConv2d& host);
  /// Gives the largest sum of a column's sizes.
  std::int64_t pack_whole_panel(const HostConv2d& host, std::int64_t panel);
};

/// One convolution, between tensors as they lie in memory.
struct WinogradTask {
  const WinogradWeights* weights = nullptr;
  Tensor x;
  Tensor out;
  Conv2dOptions options;
  Features features;
};

/// Of a tile of four.
constexpr std::int64_t kWinogradPositions = 36;

/// Where the polynomials are interpolated: with tiles of two 0, 1, -1 and infinity, with tiles of four 0,
/// infinity and these with both signs. With the customary 1 and 2
/// errors of rounding are twice as large; these have a product of 1, which saves multiplications. On the
/// choice of points: Barabasz, Anderson, Soodhalter and Gregg, arXiv 1803.10986.
namespace winograd_points {
constexpr float kNear = std::numbers::sqrt2_v<float> / 2;
constexpr float kFar = std::numbers::sqrt2_v<float>;
constexpr float kNearSquare = 0.5F;
constexpr float kFarSquare = 2.0F;

/// The most that a point's inputs can be, of the largest input; the points 0 and infinity are at the ends.
constexpr float kEndInputs = 1 + kNearSquare + kFarSquare + 1;
constexpr float kNearInputs = (1 + kFarSquare) * (1 + kNear);
constexpr float kFarInputs = (1 + kNearSquare) * (1 + kFar);
/// In the order of the transforms.
constexpr float kInputs[] = {kEndInputs, kNearInputs, kNearInputs, kFarInputs, kFarInputs, kEndInputs};

/// How large a point's weights are, of how large weights are: filters of so many taps a side, of any signs,
/// add up to so much.
struct WeightShares {
  static constexpr float kEnd = 1;
  float near;
  float far;

  /// In the order of the transforms.
  [[nodiscard]] constexpr float of(std::int64_t point) const {
    const float shares[] = {kEnd, near, near, far, far, kEnd};
    return shares[point];
  }
  /// What products in whole numbers of these shares stand for, to those at the ends.
  [[nodiscard]] constexpr float near_products() const { return kNearInputs * near / (kEndInputs * kEnd); }
  [[nodiscard]] constexpr float far_products() const { return kFarInputs * far / (kEndInputs * kEnd); }
};
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

// Its kernels. Tiles are counted line after line over all rows of the batch; positions lie `stride` apart.

/// Transforms the input of tiles first .. last - 1 into `into` [position][tiles][padded_in_channels], in the
/// weights' format; of whole numbers into `scales` what one is in each tile.
void winograd_input(const WinogradTask& task, std::int64_t first, std::int64_t last, std::byte* into,
                    std::int64_t stride, float* scales);
/// The product of `tiles` transformed inputs and one position's matrix, of one panel of it: from `inputs`
/// [tiles][padded_in_channels] to `products` [tiles][columns], integers of whole numbers.
void winograd_product(const WinogradTask& task, std::int64_t position, std::int64_t panel, std::int64_t tiles,
                      const std::byte* inputs, float* products);
/// Transforms the products [position][tiles][columns] of these tiles into outputs; adds what is to be added.
void winograd_output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
                     std::int64_t stride, const float* scales);
/// One filter, [3][3], transformed to a value for each position.
void winograd_filter(const float* filter, WinogradTile tile, float* into);
/// The same, with tiles of four, for one phase of an enlarged picture: outputs 2 i - y and 2 j - x, phase = 2
/// y + x, of pixel i, j.
void winograd_phase_filter(const float* filter, std::int64_t phase, float* into);

}  // namespace streamdiffusion::cpu
