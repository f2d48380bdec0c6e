#include "device/cpu/conv/chain_plan.h"

#include "core/round_up.h"
#include "device/cpu/cache_sizes.h"
#include "device/cpu/simd/amx.h"

namespace streamdiffusion::cpu {

namespace {

// Limit of a piece's buffers: 1.75 of the 2 MiB of Intel's cores with AMX. int8 results depend on the pieces,
// each of which has its own scales.
constexpr std::int64_t kPieceBytes = kReferenceCaches.second_level * 7 / 8;
// Sides of a piece in pixels, tried in this order: the smaller, the larger the border's share of the work.
// With 64x64 TAESD in int8 at 512x512 took a tenth less time than layer by layer (AMX, 2026-11).
constexpr std::int64_t kSides[] = {64, 48, 32};
// Images of fewer pieces are computed layer by layer on all threads. The limit must not depend on the number
// of threads or batch rows, as int8 results differ between the two ways. 16 pieces keep 16 threads busy.
constexpr std::int64_t kFewestPieces = 16;

/// Divides an image into pieces with sides of at most `side` pixels.
ChainPlan divide_image(const ConvChain& chain, std::int64_t side) {
  const std::int64_t read_side = side + 2 * chain.steps;  // Side of the largest region that a step reads.
  const std::int64_t read_pixels = read_side * read_side;
  // Twice the tiles that a product may read beyond the end (bytes_read_beyond).
  const std::int64_t beyond = 4 * kAmxTile * chain.pixel_bytes + kAmxStep;
  return {.down = divide_up(chain.image.h, side),
          .across = divide_up(chain.image.w, side),
          .intermediate_bytes = read_pixels * chain.image.c * static_cast<std::int64_t>(size_of(chain.dtype)),
          .rounded_bytes = read_pixels * chain.pixel_bytes + beyond};
}

}  // namespace

std::optional<ChainPlan> plan_chain(const ConvChain& chain) {
  for (const std::int64_t side : kSides) {
    const ChainPlan plan = divide_image(chain, side);
    if (plan.piece_bytes() <= kPieceBytes && plan.pieces_per_image() >= kFewestPieces) {
      return plan;
    }
  }
  return std::nullopt;
}

}  // namespace streamdiffusion::cpu
