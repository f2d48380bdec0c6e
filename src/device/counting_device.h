#pragma once

#include "device/device.h"

namespace streamdiffusion {

/// A device that computes nothing and counts floating-point operations.
///
/// It counts convolutions, linear layers and attention by their plain formulas, with two operations for each
/// multiply-add. It ignores algorithms that need fewer operations, and all other layers.
class CountingDevice : public Device {
 public:
  /// The number of floating-point operations so far.
  [[nodiscard]] double operations() const { return operations_; }

  [[nodiscard]] DeviceTraits traits() const override { return {.name = "counting"}; }
  [[nodiscard]] DType dtype() const override { return DType::f32; }

  Buffer allocate(std::size_t bytes) override;
  void synchronize() override {}
  void upload(std::span<const float> /*host*/, const Tensor& /*out*/) override {}
  void download(const Tensor& /*x*/, std::span<float> /*host*/) override {}

  Weights pack_conv2d(const HostConv2d& host) override;
  Weights pack_linear(const HostLinear& host) override;
  Weights pack_vector(std::span<const float> host) override;

  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override;
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override;
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override;

  void group_norm(const Tensor& /*x*/, const PackedWeights& /*gain*/, const PackedWeights& /*shift*/,
                  std::int64_t /*groups*/, float /*epsilon*/, Activation /*activation*/,
                  const Tensor& /*out*/) override {}
  void layer_norm(const Tensor& /*x*/, const PackedWeights& /*gain*/, const PackedWeights& /*shift*/,
                  float /*epsilon*/, const Tensor& /*out*/) override {}
  void map(const Tensor& /*x*/, float /*scale*/, Activation /*activation*/, float /*out_scale*/,
           float /*shift*/, const Tensor& /*out*/) override {}
  void copy(const Tensor& /*x*/, const Tensor& /*out*/) override {}
  void add(const Tensor& /*x*/, const Tensor& /*y*/, const Tensor& /*out*/) override {}
  void combine(const Tensor& /*x*/, std::span<const float> /*a*/, const Tensor& /*y*/,
               std::span<const float> /*b*/, const Tensor& /*out*/) override {}
  float cosine_similarity(const Tensor& /*x*/, const Tensor& /*y*/) override { return 0; }
  void upload_pixels(const std::uint8_t* /*host*/, float /*scale*/, float /*shift*/,
                     const Tensor& /*out*/) override {}
  void download_pixels(const Tensor& /*x*/, float /*scale*/, float /*shift*/,
                       std::uint8_t* /*host*/) override {}

 private:
  double operations_ = 0;
};

}  // namespace streamdiffusion
