// Helpers of Winograd's input and output transforms. Included once for each instruction set.
#if defined(STREAMDIFFUSION_WINOGRAD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_WINOGRAD_INL
#undef STREAMDIFFUSION_WINOGRAD_INL
#else
#define STREAMDIFFUSION_WINOGRAD_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/simd_load-inl.h"
#include "device/cpu/winograd/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

using V = hn::Vec<Tag>;
inline constexpr int kOut = 4;       // Outputs on a side of a 4x4 tile.
inline constexpr int kSmallOut = 2;  // Outputs on a side of a 2x2 tile.
inline constexpr int kPhaseOut = 5;  // Outputs of one phase on a side of a 4x4 tile.
/// Inputs on a side of a tile with so many outputs.
inline constexpr std::int64_t inputs_of(int outputs) { return outputs == kSmallOut ? 4 : 6; }

HWY_INLINE V times(float factor, V x) { return hn::Mul(hn::Set(Tag(), factor), x); }
/// Returns a * x + y.
HWY_INLINE V add_times(float a, V x, V y) { return hn::MulAdd(hn::Set(Tag(), a), x, y); }

/// Origin of a tile: its first output pixel, or with phases its first input pixel.
struct TileOrigin {
  std::int64_t row;  // Row of the batch.
  std::int64_t top;
  std::int64_t left;
};

/// Computes the origins of tiles, which are numbered line after line.
class TileOrigins {
 public:
  explicit TileOrigins(const WinogradTask& task)
      : tile_stride_(task.weights->tile_stride()),
        lines_(task.weights->tile_count(task.out.shape.h)),
        tiles_(task.weights->tile_count(task.out.shape.w)) {}

  [[nodiscard]] TileOrigin at(std::int64_t tile) const {
    const std::int64_t line = tile / tiles_;
    return {line / lines_, line % lines_ * tile_stride_, tile % tiles_ * tile_stride_};
  }
  /// Number of the first tile of the next line.
  [[nodiscard]] std::int64_t end_of_line(std::int64_t tile) const { return (tile / tiles_ + 1) * tiles_; }

 private:
  std::int64_t tile_stride_;
  std::int64_t lines_;
  std::int64_t tiles_;
};

/// Calls function(pointer to the first element) like with_type. For bfloat16 the pointer's type makes stores
/// use the processor's rounding instruction if it has one.
template <typename Function>
void with_native_type([[maybe_unused]] const WinogradTask& task, const Elements& elements,
                      const Function& function) {
#if STREAMDIFFUSION_VNNI
  if (task.features.bf16 && elements.type == DType::bf16) {
    function(static_cast<NativeBf16*>(elements.data));
    return;
  }
#endif
  with_type(elements, function);
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
