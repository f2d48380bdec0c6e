#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "device/arena.h"
#include "device/cpu/cpu_device.h"
#include "device/device.h"
#include "device/test_device.h"

// Helpers for tests that compare a device's operations with plain loops in double precision.
namespace streamdiffusion::reference {

inline std::vector<float> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  std::generate(values.begin(), values.end(), [&] { return normal(generator); });
  return values;
}

/// Rounds to the nearest bfloat16, ties to even.
inline float to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16U & 1U)) & 0xFFFF0000U);
}

/// Random values that bfloat16 represents exactly.
inline std::vector<float> random_bf16(std::int64_t count, unsigned seed) {
  std::vector<float> values = random_values(count, seed);
  std::ranges::transform(values, values.begin(), to_bf16);
  return values;
}

/// The different sets of features for reduced precision that can be tested here: subsets of this processor's.
inline std::vector<cpu::Features> all_features() {
  const cpu::Features all = cpu::Features::detect();
  std::vector<cpu::Features> different = {{}};
  for (const cpu::Features& features : {cpu::Features{.bf16 = all.bf16}, all}) {
    if (features != different.back()) {
      different.push_back(features);
    }
  }
  return different;
}

/// A device for a test, with memory for its tensors.
class Bench {
 public:
  explicit Bench(int threads = 2) : chosen_(make_test_device(threads)), arena_(*chosen_.device) {}
  /// Computes on the CPU with these features only, and divides work by these caches.
  Bench(int threads, const cpu::Features& features, const cpu::CacheSizes& caches = cpu::CacheSizes::detect())
      : chosen_{.device = make_cpu_device(threads, features, DType::f32, caches)}, arena_(*chosen_.device) {}

  [[nodiscard]] Device& device() const { return *chosen_.device; }

  /// Largest error allowed: `limit` on the CPU in float32, else at least what the device's type needs.
  [[nodiscard]] double limit(double limit) const {
    switch (chosen_.computed) {
      case DType::f16:
        return std::max(limit, 4e-3);
      case DType::bf16:
        return std::max(limit, 3e-2);
      default:
        return chosen_.is_cpu ? limit : std::max(limit, 2e-5);
    }
  }
  /// A large number within the range of the device's type.
  [[nodiscard]] float huge() const { return chosen_.computed == DType::f16 ? 6e4F : 1e30F; }

  /// Returns random activations. Each pixel ends with `extra` channels that belong to another tensor.
  Tensor random(const Shape& shape, unsigned seed, std::int64_t extra = 0) {
    Tensor tensor = empty(shape, extra);
    Tensor whole = tensor;
    whole.shape.c = tensor.stride;
    device().upload(random_values(whole.shape.elements(), seed), whole);
    return tensor;
  }
  /// Returns random activations that bfloat16 represents exactly.
  Tensor random_bf16(const Shape& shape, unsigned seed, std::int64_t extra = 0) {
    const Tensor tensor = random(shape, seed, extra);
    std::transform(tensor.as<float>(), tensor.as<float>() + shape.pixels() * tensor.stride,
                   tensor.as<float>(), to_bf16);
    return tensor;
  }
  Tensor empty(const Shape& shape, std::int64_t extra = 0) {
    Tensor tensor = arena_.allocate({shape.n, shape.h, shape.w, shape.c + extra});
    tensor.shape = shape;
    std::fill_n(tensor.as<float>(), shape.pixels() * tensor.stride, kUntouched);
    return tensor;
  }

  static constexpr float kUntouched = 12288.0F;  // Exact in float16 and bfloat16, too.

 private:
  TestDevice chosen_;
  Arena arena_;
};

inline double at(const Tensor& t, std::int64_t n, std::int64_t y, std::int64_t x, std::int64_t c) {
  return t.as<const float>()[((n * t.shape.h + y) * t.shape.w + x) * t.stride + c];
}

inline double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::quick_gelu:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::tanh:
      return std::tanh(x);
  }
  return x;
}

/// Returns the largest difference between `out` and expected(n, y, x, c), relative to the largest value.
/// Returns 1e30 if channels beyond out's own were written.
template <typename Expected>
double largest_error(const Tensor& out, const Expected& expected) {
  double error = 0;
  double largest = 1e-30;
  for (std::int64_t n = 0; n < out.shape.n; ++n) {
    for (std::int64_t y = 0; y < out.shape.h; ++y) {
      for (std::int64_t x = 0; x < out.shape.w; ++x) {
        for (std::int64_t c = 0; c < out.shape.c; ++c) {
          const double want = expected(n, y, x, c);
          largest = std::max(largest, std::abs(want));
          error = std::max(error, std::abs(want - at(out, n, y, x, c)));
        }
        for (std::int64_t c = out.shape.c; c < out.stride; ++c) {
          if (at(out, n, y, x, c) != Bench::kUntouched) {
            return 1e30;
          }
        }
      }
    }
  }
  return error / largest;
}

}  // namespace streamdiffusion::reference
