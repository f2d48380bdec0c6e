#pragma once

#include <span>
#include <vector>

#include "device/device.h"

namespace streamdiffusion {

// Copies between values on the host in PyTorch's order [n][c][h][w] and a dense tensor on the device,
// channels last. `scratch` is a buffer that keeps its memory for the next call.
void upload_nchw(Device& device, std::span<const float> values, std::vector<float>& scratch,
                 const Tensor& out);
void download_nchw(Device& device, const Tensor& x, std::vector<float>& scratch, std::span<float> values);

}  // namespace streamdiffusion
