#pragma once

#include <algorithm>
#include <filesystem>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/device_tensor.h"
#include "model/files/safetensors.h"
#include "model/files/tensor_files.h"
#include "model/networks/network.h"
#include "model/tensors.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// Returns the folder of a model of the reference cases.
inline std::filesystem::path case_model(const std::string& name) {
  return std::filesystem::path(PROJECT_FOLDER) / "tests/conformance/cases/models" / name;
}

/// A device, an arena and tensors to run networks on.
class NetworkBench {
 public:
  NetworkBench() : NetworkBench(make_cpu_device(2)) {}
  explicit NetworkBench(std::unique_ptr<Device> device) : device_(std::move(device)), arena_(*device_) {}

  [[nodiscard]] Context context() { return {*device_, arena_}; }
  [[nodiscard]] Arena& arena() { return arena_; }

  Tensor empty(const Shape& shape) { return tensors_.emplace_back(*device_, shape).view(); }
  Tensor random(const Shape& shape, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<std::size_t>(shape.elements()));
    std::ranges::generate(values, [&] { return normal(generator); });
    return filled(shape, values);
  }
  Tensor filled(const Shape& shape, const std::vector<float>& values) {
    const Tensor tensor = empty(shape);
    device_->upload(values, tensor);
    return tensor;
  }
  std::vector<float> values(const Tensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
    device_->download(tensor, values);
    return values;
  }

  /// Returns the network that `make(layers)` constructs from the files.
  template <typename Make>
  auto load(const TensorFiles& files, Lora::Network network, Make make) {
    LayerCache cache;
    LayerLoader layers(*device_, files, network, {}, cache);
    return make(layers);
  }

 private:
  std::unique_ptr<Device> device_;
  Arena arena_;
  std::list<DeviceTensor> tensors_;
};

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : 1e30;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest;
}

/// Returns a file in memory with one tensor that belongs to no network.
inline std::shared_ptr<const SafeTensors> stray_tensor_file() {
  static const std::string bytes = safetensors_bytes(
      R"({"stray.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", std::string(4, '\0'));
  return SafeTensors::parse(as_bytes(bytes), "stray.safetensors");
}

}  // namespace streamdiffusion
