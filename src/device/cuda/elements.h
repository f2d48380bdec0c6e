#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <math.h>

#include <cstdint>

#include "device/device.h"

// The work of one kernel thread is written as functions for host and device, so that tests can run it on the
// host (tests/device/cuda).
#ifdef __CUDACC__
#define STREAMDIFFUSION_HD __host__ __device__
#else
#define STREAMDIFFUSION_HD
#endif

namespace streamdiffusion::cuda {

STREAMDIFFUSION_HD inline float to_float(float value) { return value; }
STREAMDIFFUSION_HD inline float to_float(__half value) { return __half2float(value); }
STREAMDIFFUSION_HD inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T>
STREAMDIFFUSION_HD inline T from_float(float value);
template <>
STREAMDIFFUSION_HD inline float from_float<float>(float value) {
  return value;
}
template <>
STREAMDIFFUSION_HD inline __half from_float<__half>(float value) {
  return __float2half_rn(value);
}
template <>
STREAMDIFFUSION_HD inline __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

/// V channels that one thread loads or stores at once: 16 bytes, or one element if the data are not aligned.
template <typename T, int V>
struct alignas(sizeof(T) * V) Pack {
  T values[V];
};

template <typename T>
inline constexpr int kPack = static_cast<int>(16 / sizeof(T));

/// A tensor as kernels see it, with `stride` elements between neighbouring pixels.
template <typename T>
struct View {
  T* data;
  std::int64_t stride;

  template <int V>
  [[nodiscard]] STREAMDIFFUSION_HD Pack<T, V> load(std::int64_t pixel, std::int64_t channel) const {
    return *reinterpret_cast<const Pack<T, V>*>(data + pixel * stride + channel);
  }
  template <int V>
  STREAMDIFFUSION_HD void store(std::int64_t pixel, std::int64_t channel, const Pack<T, V>& pack) const {
    *reinterpret_cast<Pack<T, V>*>(data + pixel * stride + channel) = pack;
  }
};

STREAMDIFFUSION_HD inline float gelu(float x) { return 0.5F * x * (1.0F + erff(x * 0.70710678F)); }

STREAMDIFFUSION_HD inline float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::silu:
      return x / (1.0F + expf(-x));
    case Activation::relu:
      return x < 0.0F ? 0.0F : x;  // NaN stays NaN.
    case Activation::gelu:
      return gelu(x);
    case Activation::quick_gelu:
      return x / (1.0F + expf(-1.702F * x));
    case Activation::tanh:
      return tanhf(x);
  }
  return x;
}

}  // namespace streamdiffusion::cuda
