#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::reference {

/// A device whose tensors are in host memory in float32, where tests can access them, and that computes on
/// another device. Each operation uploads its tensors to that device, runs there, and downloads them. Every
/// buffer has a counterpart on it, so slices, strides and outputs that overwrite inputs work alike.
class MirroredDevice : public Device {
 public:
  explicit MirroredDevice(std::unique_ptr<Device> device) : device_(std::move(device)) {}

  [[nodiscard]] DeviceTraits traits() const override { return {.name = device_->traits().name}; }
  [[nodiscard]] DType dtype() const override { return DType::f32; }
  /// Type of the other device's activations.
  [[nodiscard]] DType computed() const { return device_->dtype(); }

  Buffer allocate(std::size_t bytes) override {
    const std::size_t elements = bytes / sizeof(float) + 1;
    Region& region = regions_.emplace_back(
        Region{std::vector<float>(elements), device_->allocate(elements * size_of(device_->dtype()))});
    return {region.host.data(), bytes, [](void*, std::size_t) {}};  // Not freed, since tests are short.
  }
  void synchronize() override { device_->synchronize(); }
  void upload(std::span<const float> host, const Tensor& out) override {
    std::memcpy(out.data, host.data(), host.size_bytes());
  }
  void download(const Tensor& x, std::span<float> host) override {
    std::memcpy(host.data(), x.data, host.size_bytes());
  }

  Weights pack_conv2d(const HostConv2d& host) override { return device_->pack_conv2d(host); }
  Weights pack_linear(const HostLinear& host) override { return device_->pack_linear(host); }
  Weights pack_vector(std::span<const float> host) override { return device_->pack_vector(host); }

  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override {
    run({x, options.row_bias, options.residual, out}, [&] {
      Conv2dOptions there = options;
      there.row_bias = on_device(options.row_bias);
      there.residual = on_device(options.residual);
      device_->conv2d(on_device(x), weights, there, on_device(out));
    });
  }
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override {
    run({x, options.residual, out}, [&] {
      device_->linear(on_device(x), weights, {on_device(options.residual), options.activation},
                      on_device(out));
    });
  }
  void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, std::int64_t groups,
                  float epsilon, Activation activation, const Tensor& out) override {
    run({x, out},
        [&] { device_->group_norm(on_device(x), gain, shift, groups, epsilon, activation, on_device(out)); });
  }
  void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, float epsilon,
                  const Tensor& out) override {
    run({x, out}, [&] { device_->layer_norm(on_device(x), gain, shift, epsilon, on_device(out)); });
  }
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override {
    run({q, k, v, out},
        [&] { device_->attention(on_device(q), on_device(k), on_device(v), options, on_device(out)); });
  }
  void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
           const Tensor& out) override {
    run({x, out}, [&] { device_->map(on_device(x), scale, activation, out_scale, shift, on_device(out)); });
  }
  void copy(const Tensor& x, const Tensor& out) override {
    run({x, out}, [&] { device_->copy(on_device(x), on_device(out)); });
  }
  void add(const Tensor& x, const Tensor& y, const Tensor& out) override {
    run({x, y, out}, [&] { device_->add(on_device(x), on_device(y), on_device(out)); });
  }
  void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
               const Tensor& out) override {
    run({x, y, out}, [&] { device_->combine(on_device(x), a, on_device(y), b, on_device(out)); });
  }
  float cosine_similarity(const Tensor& x, const Tensor& y) override {
    float similarity = 0;
    run({x, y}, [&] { similarity = device_->cosine_similarity(on_device(x), on_device(y)); });
    return similarity;
  }
  void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) override {
    run({out}, [&] { device_->upload_pixels(host, scale, shift, on_device(out)); });
  }
  void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) override {
    run({x}, [&] { device_->download_pixels(on_device(x), scale, shift, host); });
  }

 private:
  struct Region {
    std::vector<float> host;
    Buffer device;
  };

  Region& region_of(const Tensor& tensor) {
    return *std::ranges::find_if(regions_, [&](const Region& region) {
      return tensor.as<float>() >= region.host.data() &&
             tensor.as<float>() < region.host.data() + region.host.size();
    });
  }

  Tensor on_device(const Tensor& tensor) {
    if (tensor.empty()) {
      return {};
    }
    const Region& region = region_of(tensor);
    Tensor there = tensor;
    there.dtype = device_->dtype();
    there.data = static_cast<std::byte*>(region.device.data()) +
                 static_cast<std::size_t>(tensor.as<float>() - region.host.data()) * size_of(there.dtype);
    return there;
  }

  /// Returns everything from a tensor's first element to its last, gaps included, as a dense tensor.
  static Tensor span_of(const Tensor& tensor) {
    const std::int64_t count = (tensor.shape.pixels() - 1) * tensor.stride + tensor.shape.c;
    return {tensor.data, {.c = count}, count, tensor.dtype};
  }

  template <typename Operation>
  void run(std::initializer_list<Tensor> tensors, const Operation& operation) {
    const auto each = [&](auto&& visit) {
      for (const Tensor& tensor : tensors) {
        if (!tensor.empty()) {
          const Tensor line = span_of(tensor);
          visit(std::span(line.as<float>(), static_cast<std::size_t>(line.shape.c)), on_device(line));
        }
      }
    };
    each([&](std::span<float> host, const Tensor& there) { device_->upload(host, there); });
    operation();
    each([&](std::span<float> host, const Tensor& there) { device_->download(there, host); });
  }

  std::unique_ptr<Device> device_;
  std::list<Region> regions_;
};

}  // namespace streamdiffusion::reference
