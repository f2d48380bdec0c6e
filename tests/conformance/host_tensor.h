#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/network.h"

namespace streamdiffusion::conformance {

/// A tensor of a case on the host, in PyTorch's layout: floats or integers.
struct HostTensor {
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;

  [[nodiscard]] const std::vector<float>& floats() const { return std::get<std::vector<float>>(values); }
  [[nodiscard]] const std::vector<std::int64_t>& integers() const {
    return std::get<std::vector<std::int64_t>>(values);
  }
};

/// The outputs of a case by name, such as "out.sample".
using Outputs = std::map<std::string, HostTensor>;

// These functions convert images between a case's layout, NCHW, and the device's, NHWC.
DeviceTensor upload_image(Context context, const HostTensor& host);
HostTensor download_image(Context context, const Tensor& image);

/// Uploads token embeddings of shape N T C.
DeviceTensor upload_tokens(Context context, const HostTensor& host);

}  // namespace streamdiffusion::conformance
