#include "device/counting_device.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// A layer's number of multiplications for each output pixel or token.
class CountedWeights : public PackedWeights {
 public:
  explicit CountedWeights(std::int64_t multiplications) : multiplications_(multiplications) {}
  [[nodiscard]] double multiplications() const { return static_cast<double>(multiplications_); }

 private:
  std::int64_t multiplications_;
};

double operations_of(const PackedWeights& weights, const Tensor& out) {
  return 2 * dynamic_cast<const CountedWeights&>(weights).multiplications() *
         static_cast<double>(out.shape.pixels());
}

}  // namespace

Buffer CountingDevice::allocate(std::size_t bytes) {
  void* data = std::malloc(bytes);
  if (data == nullptr) {
    throw OutOfMemory("no address space for " + std::to_string(bytes) + " bytes: count at a smaller size");
  }
  return {data, bytes, [](void* memory, std::size_t /*bytes*/) { std::free(memory); }};
}

Weights CountingDevice::pack_conv2d(const HostConv2d& host) {
  return std::make_shared<CountedWeights>(host.out_channels * host.in_channels * host.kernel * host.kernel);
}

Weights CountingDevice::pack_linear(const HostLinear& host) {
  return std::make_shared<CountedWeights>(host.out_channels * host.in_channels);
}

Weights CountingDevice::pack_vector(std::span<const float> /*host*/) {
  return std::make_shared<CountedWeights>(0);
}

void CountingDevice::conv2d(const Tensor& /*x*/, const PackedWeights& weights,
                            const Conv2dOptions& /*options*/, const Tensor& out) {
  operations_ += operations_of(weights, out);
}

void CountingDevice::linear(const Tensor& /*x*/, const PackedWeights& weights,
                            const LinearOptions& /*options*/, const Tensor& out) {
  operations_ += operations_of(weights, out);
}

void CountingDevice::attention(const Tensor& q, const Tensor& k, const Tensor& /*v*/,
                               const AttentionOptions& options, const Tensor& /*out*/) {
  const std::int64_t queries = q.shape.h * q.shape.w;
  const std::int64_t keys = k.shape.h * k.shape.w;
  std::int64_t pairs = q.shape.n * queries * keys;
  if (!options.key_rows.empty()) {
    pairs = 0;
    for (const RowRange& range : options.key_rows) {
      pairs += queries * keys * range.count;
    }
  }
  // Each pair of a query and a key takes one product for its score and one with the value.
  operations_ += 2 * 2 * static_cast<double>(pairs * q.shape.c);
}

}  // namespace streamdiffusion
