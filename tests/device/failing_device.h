#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "device/device.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::tests {

/// A device that forwards to another one. A chosen allocation fails.
class FailingDevice : public Device {
 public:
  explicit FailingDevice(Device& device) : device_(device) {}

  /// Makes the `count`-th allocation from now on fail; those after it succeed. With 0 none fails.
  void fail_at(std::size_t count) {
    until_failure_ = count;
    has_failed_ = false;
  }
  /// True if the allocation chosen by fail_at() has failed.
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  Buffer allocate(std::size_t bytes) override {
    if (until_failure_ > 0 && --until_failure_ == 0) {
      has_failed_ = true;
      throw Error("out of memory, as the test wants it");
    }
    return device_.allocate(bytes);
  }

  [[nodiscard]] DeviceTraits traits() const override { return device_.traits(); }
  [[nodiscard]] DType dtype() const override { return device_.dtype(); }
  [[nodiscard]] DType precise_dtype() const override { return device_.precise_dtype(); }
  void synchronize() override { device_.synchronize(); }
  [[nodiscard]] std::unique_ptr<Timestamp> make_timestamp() override { return device_.make_timestamp(); }
  void sequence(const std::function<void()>& operations) override { device_.sequence(operations); }
  void upload(std::span<const float> host, const Tensor& out) override { device_.upload(host, out); }
  void download(const Tensor& x, std::span<float> host) override { device_.download(x, host); }
  Weights pack_conv2d(const HostConv2d& host) override { return device_.pack_conv2d(host); }
  Weights pack_linear(const HostLinear& host) override { return device_.pack_linear(host); }
  Weights pack_vector(std::span<const float> host) override { return device_.pack_vector(host); }
  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override {
    device_.conv2d(x, weights, options, out);
  }
  void conv2d_chain(const Tensor& x, std::span<const Conv2dStep> steps) override {
    device_.conv2d_chain(x, steps);
  }
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override {
    device_.linear(x, weights, options, out);
  }
  void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, std::int64_t groups,
                  float epsilon, Activation activation, const Tensor& out) override {
    device_.group_norm(x, gain, shift, groups, epsilon, activation, out);
  }
  void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, float epsilon,
                  const Tensor& out) override {
    device_.layer_norm(x, gain, shift, epsilon, out);
  }
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override {
    device_.attention(q, k, v, options, out);
  }
  void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
           const Tensor& out) override {
    device_.map(x, scale, activation, out_scale, shift, out);
  }
  void copy(const Tensor& x, const Tensor& out) override { device_.copy(x, out); }
  void add(const Tensor& x, const Tensor& y, const Tensor& out) override { device_.add(x, y, out); }
  void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
               const Tensor& out) override {
    device_.combine(x, a, y, b, out);
  }
  float cosine_similarity(const Tensor& x, const Tensor& y) override {
    return device_.cosine_similarity(x, y);
  }
  void upload_pixels(const std::uint8_t* host, float scale, float shift, const Tensor& out) override {
    device_.upload_pixels(host, scale, shift, out);
  }
  void download_pixels(const Tensor& x, float scale, float shift, std::uint8_t* host) override {
    device_.download_pixels(x, scale, shift, host);
  }
  bool update_weights(std::span<const WeightUpdate> updates) override {
    return device_.update_weights(updates);
  }

 private:
  Device& device_;
  std::size_t until_failure_ = 0;
  bool has_failed_ = false;
};

}  // namespace streamdiffusion::tests
