#include "model/networks/network.h"

#include <cassert>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

void check_float(const Tensor& tensor) {
  if (tensor.dtype != DType::f32) {
    throw Error(
        std::string("numbers of the host can be exchanged with float32 activations alone, not with ") +
        to_string(tensor.dtype) + "; choose the precision f32");
  }
}

}  // namespace

void upload_floats(Context& context, std::span<const float> host, const Tensor& out) {
  assert(out.dense() && out.shape.elements() == static_cast<std::int64_t>(host.size()));
  check_float(out);
  context.device.upload(host.data(), out.data, host.size_bytes());
}

void download_floats(Context& context, const Tensor& in, std::span<float> host) {
  assert(in.dense() && in.shape.elements() == static_cast<std::int64_t>(host.size()));
  check_float(in);
  context.device.download(in.data, host.data(), host.size_bytes());
}

}  // namespace streamdiffusion
