#include "device/cpu/cpu_device.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "device/cpu/attention/attention.h"
#include "device/cpu/conv/conv_chain.h"
#include "device/cpu/conv/convolution.h"
#include "device/cpu/group_norm.h"
#include "device/cpu/instruction_set.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matrix/packing.h"
#include "device/cpu/page_allocator.h"
#include "device/cpu/target.h"
#include "device/cpu/threads/scratch.h"
#include "device/cpu/threads/task_size.h"

namespace streamdiffusion {

namespace cpu {
namespace {

// Most parts that element-wise operations are divided into for each thread: a thread that the system holds up
// then delays a quarter of its share.
constexpr std::int64_t kMostPartsPerThread = 4;

Tensor dense_f32_tensor(float* values, const Shape& shape) { return {values, shape, shape.c, DType::f32}; }

/// Returns elements first .. last - 1 of a dense tensor.
Tensor element_range(const Tensor& dense, std::int64_t first, std::int64_t last) {
  return dense.flat().channels(first, last - first);
}

class CpuDevice : public Device {
 public:
  CpuDevice(int threads, const Features& features, DType activations, const CacheSizes& caches)
      : activations_(activations), workers_(*this, threads, features, caches) {}

  [[nodiscard]] DeviceTraits traits() const override {
    return {.name = "cpu", .instruction_set = instruction_set(), .gains_by_joined_convolutions = true};
  }
  [[nodiscard]] DType dtype() const override { return activations_; }
  [[nodiscard]] DType precise_dtype() const override { return DType::f32; }

  Buffer allocate(std::size_t bytes) override { return pages_.allocate(bytes); }
  void synchronize() override {}
  void upload(std::span<const float> host, const Tensor& out) override {
    assert(out.dense() && out.shape.elements() == std::ssize(host));
    copy(dense_f32_tensor(const_cast<float*>(host.data()), out.shape).flat(), out.flat());
  }
  void download(const Tensor& x, std::span<float> host) override {
    assert(x.dense() && x.shape.elements() == std::ssize(host));
    copy(x.flat(), dense_f32_tensor(host.data(), x.shape).flat());
  }

  Weights pack_conv2d(const HostConv2d& host) override {
    return std::make_shared<PackedConv2d>(*this, workers_, host);
  }
  Weights pack_linear(const HostLinear& host) override {
    return std::make_shared<PackedLinear>(*this, workers_, host);
  }
  Weights pack_vector(std::span<const float> host) override { return std::make_shared<PackedVector>(host); }

  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override {
    convolve(workers_, static_cast<const PackedConv2d&>(weights), x, options, out);
  }
  void conv2d_chain(const Tensor& x, std::span<const Conv2dStep> steps) override {
    if (!convolve_chain(workers_, x, steps)) {
      Device::conv2d_chain(x, steps);
    }
  }
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override {
    multiply(workers_, static_cast<const PackedLinear&>(weights), x, options, out);
  }
  void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, std::int64_t groups,
                  float epsilon, Activation activation, const Tensor& out) override {
    cpu::group_norm(workers_, x, static_cast<const PackedVector&>(gain).values,
                    static_cast<const PackedVector&>(shift).values, groups, epsilon, activation, out);
  }
  void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, float epsilon,
                  const Tensor& out) override;
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override {
    attend(workers_, q, k, v, options, out);
  }
  void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
           const Tensor& out) override;
  void copy(const Tensor& x, const Tensor& out) override;
  void add(const Tensor& x, const Tensor& y, const Tensor& out) override;
  void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
               const Tensor& out) override;
  float cosine_similarity(const Tensor& x, const Tensor& y) override;
  void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) override;
  void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) override;

 private:
  ThreadPool& pool() { return workers_.pool(); }
  /// Splits 0 .. count - 1 and calls part(first, last) for each part on all threads. `cost` is the work of
  /// one index.
  template <typename Part>
  void parallel_for_parts(std::int64_t count, std::int64_t cost, const Part& part);

  DType activations_;
  PageAllocator pages_;
  Workers workers_;
};

template <typename Part>
void CpuDevice::parallel_for_parts(std::int64_t count, std::int64_t cost, const Part& part) {
  const std::int64_t most = std::min(count, pool().threads() * kMostPartsPerThread);
  pool().parallel_for_ranges(count, task_count(Work::elements, count * cost, most),
                             [&](std::int64_t first, std::int64_t last, int) { part(first, last); });
}

void CpuDevice::layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift,
                           float epsilon, const Tensor& out) {
  const std::vector<float>& gains = static_cast<const PackedVector&>(gain).values;
  const std::vector<float>& shifts = static_cast<const PackedVector&>(shift).values;
  parallel_for_parts(x.shape.pixels(), x.shape.c, [&](std::int64_t first, std::int64_t last) {
    cpu::layer_norm(x.pixels(first, last - first), gains.data(), shifts.data(), epsilon,
                    out.pixels(first, last - first));
  });
}

void CpuDevice::map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
                    const Tensor& out) {
  if (x.dense() && out.dense()) {
    parallel_for_parts(x.shape.elements(), 1, [&](std::int64_t first, std::int64_t last) {
      cpu::map(element_range(x, first, last), scale, activation, out_scale, shift,
               element_range(out, first, last));
    });
    return;
  }
  parallel_for_parts(x.shape.pixels(), x.shape.c, [&](std::int64_t first, std::int64_t last) {
    cpu::map(x.pixels(first, last - first), scale, activation, out_scale, shift,
             out.pixels(first, last - first));
  });
}

void CpuDevice::copy(const Tensor& x, const Tensor& out) {
  const std::size_t bytes = static_cast<std::size_t>(x.shape.c) * size_of(x.dtype);
  parallel_for_parts(x.shape.pixels(), x.shape.c, [&](std::int64_t first, std::int64_t last) {
    const Tensor from = x.pixels(first, last - first);
    const Tensor to = out.pixels(first, last - first);
    if (x.dtype != out.dtype) {
      convert(from, to);
      return;
    }
    if (x.dense() && out.dense()) {
      std::memcpy(to.data, from.data, bytes * static_cast<std::size_t>(last - first));
      return;
    }
    for (std::int64_t p = first; p < last; ++p) {
      std::memcpy(out.pixels(p, 1).data, x.pixels(p, 1).data, bytes);
    }
  });
}

void CpuDevice::add(const Tensor& x, const Tensor& y, const Tensor& out) {
  parallel_for_parts(x.shape.pixels(), x.shape.c, [&](std::int64_t first, std::int64_t last) {
    cpu::add(x.pixels(first, last - first), y.pixels(first, last - first), out.pixels(first, last - first));
  });
}

void CpuDevice::combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
                        const Tensor& out) {
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const auto i = static_cast<std::size_t>(n);
    cpu::combine(x.rows(n, 1), a[i], y.rows(n, 1), b[i], out.rows(n, 1));
  }
}

float CpuDevice::cosine_similarity(const Tensor& x, const Tensor& y) {
  constexpr double kEpsilon = 1e-6;  // As in the original's torch.nn.CosineSimilarity.
  double sums[3];
  dot_products(x, y, sums);
  const double norms = std::max(std::sqrt(sums[1]), kEpsilon) * std::max(std::sqrt(sums[2]), kEpsilon);
  return static_cast<float>(sums[0] / norms);
}

void CpuDevice::upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) {
  parallel_for_parts(out.shape.elements(), 1, [&](std::int64_t first, std::int64_t last) {
    from_pixels(host + first, scale, shift, element_range(out, first, last));
  });
}

void CpuDevice::download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) {
  parallel_for_parts(x.shape.elements(), 1, [&](std::int64_t first, std::int64_t last) {
    to_pixels(element_range(x, first, last), scale, shift, host + first);
  });
}

}  // namespace
}  // namespace cpu

std::unique_ptr<Device> make_cpu_device(int threads, const cpu::Features& features, DType activations,
                                        const cpu::CacheSizes& caches) {
  const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::make_unique<cpu::CpuDevice>(threads > 0 ? threads : processors, features, activations, caches);
}

DType cpu_activations(Precision precision, const cpu::Features& features) {
  const bool in_bytes = precision == Precision::int8 && cpu::multiplies_integers();
  const bool waits_for_memory = features.bf16 || in_bytes;
  return precision != Precision::f32 && waits_for_memory ? DType::bf16 : DType::f32;
}

}  // namespace streamdiffusion
