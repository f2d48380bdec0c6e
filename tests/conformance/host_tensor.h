#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/network.h"

namespace streamdiffusion::conformance {

/// A tensor of a case on the host, in PyTorch's order: numbers or integers.
struct HostTensor {
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;

  [[nodiscard]] const std::vector<float>& floats() const { return std::get<std::vector<float>>(values); }
  [[nodiscard]] const std::vector<std::int64_t>& integers() const {
    return std::get<std::vector<std::int64_t>>(values);
  }
};

/// What a case computes, by name ("out.sample").
using Outputs = std::map<std::string, HostTensor>;

// Between a case's images, N C H W, and the device's, N H W C.
DeviceTensor upload_image(Context context, const HostTensor& host);
HostTensor download_image(Context context, const Tensor& image);

/// Tokens, N T C, to the device.
DeviceTensor upload_tokens(Context context, const HostTensor& host);

}  // namespace streamdiffusion::conformance
