#include <algorithm>
#include <cstring>

#include "core/round_up.h"
#include "device/cpu/conv/narrow_conv.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/conv/narrow_conv_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/epilogue-inl.h"
#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kTapsOfLine = 3;
constexpr std::int64_t kTaps = kTapsOfLine * kTapsOfLine;
constexpr auto kStep = static_cast<std::int64_t>(kLanes);

// Output pixels whose sums are computed before their epilogue runs over all of them.
constexpr std::int64_t kChunk = 64;

using V = hn::Vec<Tag>;

/// Returns `value`, held in a register. Otherwise the compiler would load it again for each multiplication.
HWY_INLINE V in_register(V value) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  __asm__("" : "+v"(value.raw));
#endif
  return value;
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
/// Adds the blocks of four lanes of a vector. Returns one block.
template <class D>
HWY_INLINE auto sum_of_blocks(D d, hn::Vec<D> x) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return x;
  } else {
    const hn::Half<D> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, x), hn::UpperHalf(half, x)));
  }
}
/// Adds the two halves of each block of four lanes: x0 + x2, y0 + y2, x1 + x3, y1 + y3.
template <class D>
HWY_INLINE hn::Vec<D> add_halves_of_blocks(D d, hn::Vec<D> x, hn::Vec<D> y) {
  return hn::Add(hn::InterleaveLower(d, x, y), hn::InterleaveUpper(d, x, y));
}
#endif

/// Writes the sum of the lanes of each vector to `to`, which must hold four floats for any `kCount`.
template <int kCount>
HWY_INLINE void store_sums_of_lanes(const V (&x)[kCount], float* to) {
  const Tag d;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const auto of = [&](int i) { return i < kCount ? x[i < kCount ? i : 0] : hn::Zero(d); };
  const hn::RepartitionToWide<Tag> pairs;
  const auto first = hn::BitCast(pairs, add_halves_of_blocks(d, of(0), of(1)));
  const auto second = hn::BitCast(pairs, add_halves_of_blocks(d, of(2), of(3)));
  const V sums = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, first, second)),
                         hn::BitCast(d, hn::InterleaveUpper(pairs, first, second)));
  hn::StoreU(sum_of_blocks(d, sums), hn::CappedTag<float, 4>(), to);
#else
  for (int i = 0; i < kCount; ++i) {
    to[i] = hn::GetLane(hn::SumOfLanes(d, x[i]));
  }
#endif
}

/// Initial sums of each output channel: bias and row bias in the first lane, zeros in the others.
struct Start {
  Start(const NarrowConvTask& task, std::int64_t row) {
    const Tensor& row_bias = task.options.row_bias;
    for (std::int64_t o = 0; o < task.weights->out_channels; ++o) {
      lanes[o][0] = task.weights->bias[o] +
                    (row_bias.empty() ? 0.0F : get(elements_of(row_bias) + (row * row_bias.stride + o)));
    }
  }
  HWY_ALIGN float lanes[NarrowConv2d::kMostOutputs][kLanes] = {};
};

// Floats between the sums of neighbouring pixels, as many as store_sums_of_lanes may write.
constexpr std::int64_t kPitch = 4;

/// Padding of the input before upsampling.
std::int64_t padding_of(const NarrowConvTask& task) {
  return task.weights->scale == 1 ? task.options.padding : 1;
}

/// Computes the sums of one phase for kPixels input pixels from (y, px) on and writes them to `into`. kBorder
/// allows columns outside of the image, which are skipped; lines outside are always skipped.
template <typename T, int kPixels, int kOutputs, bool kBorder>
void ComputePixels(const NarrowConvTask& task, const Start& start, std::int64_t phase, std::int64_t row,
                   std::int64_t y, std::int64_t px, float* into) {
  const Tag d;
  const Tensor& x = task.x;
  const NarrowConv2d& weights = *task.weights;
  const std::int64_t padded = weights.padded_in_channels;
  const std::int64_t padding = padding_of(task);
  const float* const filters =
      static_cast<const float*>(weights.weights.data()) + phase * kOutputs * kTaps * padded;
  V sums[kPixels][kOutputs];
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      sums[p][o] = hn::Load(d, start.lanes[o]);
    }
  }
  // If the input is dense, the channels of the three taps of a line are contiguous and form one run.
  const bool dense = x.stride == padded && weights.in_channels == padded;
  const std::int64_t run = !kBorder && dense ? kTapsOfLine : 1;
  for (std::int64_t tap = 0; tap < kTaps; tap += run) {
    const std::int64_t iy = y + tap / kTapsOfLine - padding;
    const std::int64_t ix = px + tap % kTapsOfLine - padding;
    if (iy < 0 || iy >= x.shape.h || (kBorder && (ix < 0 || ix >= x.shape.w))) {
      continue;
    }
    const T* in = x.as<const T>() + ((row * x.shape.h + iy) * x.shape.w + ix) * x.stride;
    const float* filter = filters + tap * padded;
    const auto add = [&](std::int64_t c, const auto& load) {
      V w[kOutputs];
#pragma GCC unroll 4
      for (int o = 0; o < kOutputs; ++o) {
        w[o] = hn::Load(d, filter + o * kTaps * padded + c);
      }
#pragma GCC unroll 4
      for (int p = 0; p < kPixels; ++p) {
        const V value = in_register(load(in + p * x.stride + c));
#pragma GCC unroll 4
        for (int o = 0; o < kOutputs; ++o) {
          sums[p][o] = hn::MulAdd(value, w[o], sums[p][o]);
        }
      }
    };
    const std::int64_t channels = run * weights.in_channels;
    std::int64_t c = 0;
    for (; c + kStep <= channels; c += kStep) {
      add(c, [](const T* from) { return load_all(from); });
    }
    if (c < channels) {
      const auto valid = static_cast<std::size_t>(channels - c);
      add(c, [valid](const T* from) { return load_part(from, valid); });
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
    store_sums_of_lanes(sums[p], into + p * weights.scale * kPitch);
  }
}

/// The epilogue of contiguous outputs: adds the residual and applies the activation.
void finish(Activation activation, const float* sums, const Elements& residual, const Elements& out,
            std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kStep) {
    const auto valid = static_cast<std::size_t>(count - i);
    store_activated(hn::LoadU(Tag(), sums + i), activation, residual, i, out + i, valid);
  }
}

/// The epilogue of `count` pixels. `sums` are dense.
void finish_pixels(const NarrowConvTask& task, const float* sums, std::int64_t pixel, std::int64_t count) {
  const std::int64_t outputs = task.weights->out_channels;
  const Tensor& residual = task.options.residual;
  const bool dense = task.out.stride == outputs && (residual.empty() || residual.stride == outputs);
  const std::int64_t run_pixels = dense ? count : 1;
  for (std::int64_t p = 0; p < count; p += run_pixels) {
    finish(task.options.activation, sums + p * outputs,
           residual.empty() ? Elements{} : elements_of(residual) + (pixel + p) * residual.stride,
           elements_of(task.out) + (pixel + p) * task.out.stride, run_pixels * outputs);
  }
}

/// Computes the sums of outputs first .. last - 1 of a line that lie in phase column `phase_x`, kPitch apart.
template <typename T, int kOutputs>
void ComputeChunk(const NarrowConvTask& task, const Start& start, std::int64_t row, std::int64_t y,
                  std::int64_t phase_x, std::int64_t first, std::int64_t last, float* sums) {
  constexpr int kPixels = 4;
  const std::int64_t scale = task.weights->scale;
  const std::int64_t phase = y % scale * scale + phase_x;
  const std::int64_t padding = padding_of(task);
  std::int64_t px = first / scale;
  while (px < last / scale) {
    float* const into = sums + (px * scale + phase_x - first) * kPitch;
    const bool inside =
        px >= padding && px + kPixels - 1 + 2 - padding < task.x.shape.w && px + kPixels <= last / scale;
    if (inside) {
      ComputePixels<T, kPixels, kOutputs, false>(task, start, phase, row, y / scale, px, into);
      px += kPixels;
    } else {
      ComputePixels<T, 1, kOutputs, true>(task, start, phase, row, y / scale, px, into);
      ++px;
    }
  }
}

template <typename T, int kOutputs>
void ComputeLine(const NarrowConvTask& task, std::int64_t line) {
  HWY_ALIGN float sums[kChunk * kPitch + static_cast<std::int64_t>(kLanes)];
  const std::int64_t row = line / task.out.shape.h;
  const std::int64_t width = task.out.shape.w;
  const Start start(task, row);
  for (std::int64_t first = 0; first < width; first += kChunk) {
    const std::int64_t last = std::min(first + kChunk, width);
    for (std::int64_t x = 0; x < task.weights->scale; ++x) {
      ComputeChunk<T, kOutputs>(task, start, row, line % task.out.shape.h, x, first, last, sums);
    }
    for (std::int64_t p = 1; p < last - first; ++p) {
      std::memmove(sums + p * kOutputs, sums + p * kPitch, kOutputs * sizeof(float));
    }
    finish_pixels(task, sums, line * width + first, last - first);
  }
}

template <typename T>
void ComputeLineOfType(const NarrowConvTask& task, std::int64_t line) {
  switch (task.weights->out_channels) {
    case 1:
      return ComputeLine<T, 1>(task, line);
    case 2:
      return ComputeLine<T, 2>(task, line);
    case 3:
      return ComputeLine<T, 3>(task, line);
    default:
      return ComputeLine<T, 4>(task, line);
  }
}

void NarrowConvLine(const NarrowConvTask& task, std::int64_t line) {
  task.x.dtype == DType::bf16 ? ComputeLineOfType<Bf16>(task, line) : ComputeLineOfType<float>(task, line);
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(NarrowConvLine);

void narrow_conv_line(const NarrowConvTask& task, std::int64_t line) {
  HWY_DYNAMIC_DISPATCH(NarrowConvLine)(task, line);
}

namespace {

/// Returns which of the three input lines (or columns) a line of the 5x5 kernel reads in a phase.
std::int64_t row_of_phase(std::int64_t phase, std::int64_t kernel_row) { return (phase + kernel_row) / 2; }

}  // namespace

NarrowConv2d::NarrowConv2d(Device& device, const HostConv2d& host)
    : in_channels(host.in_channels),
      out_channels(host.out_channels),
      scale(host.resample == Resample::up ? 2 : 1) {
  padded_in_channels = round_up(in_channels, panel_format().lanes);
  constexpr std::int64_t kTaps = 9;
  const std::int64_t floats = scale * scale * out_channels * kTaps * padded_in_channels;
  weights = device.allocate(static_cast<std::size_t>(floats) * sizeof(float));
  auto* const packed = static_cast<float*>(weights.data());
  std::fill_n(packed, floats, 0.0F);
  const float* weight = host.weight.data();
  for (std::int64_t out = 0; out < out_channels; ++out) {
    for (std::int64_t in = 0; in < in_channels; ++in) {
      for (std::int64_t i = 0; i < host.kernel * host.kernel; ++i, ++weight) {
        for (std::int64_t phase = 0; phase < scale * scale; ++phase) {
          const std::int64_t y = scale == 1 ? i / host.kernel : row_of_phase(phase / 2, i / host.kernel);
          const std::int64_t x = scale == 1 ? i % host.kernel : row_of_phase(phase % 2, i % host.kernel);
          packed[((phase * out_channels + out) * kTaps + y * 3 + x) * padded_in_channels + in] += *weight;
        }
      }
    }
  }
  std::copy(host.bias.begin(), host.bias.end(), bias);
}

}  // namespace streamdiffusion::cpu
#endif
