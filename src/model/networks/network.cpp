#include "model/networks/network.h"

#include <cassert>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

void upload_floats(Context& context, std::span<const float> host, const Tensor& out) {
  assert(out.dense() && out.shape.elements() == static_cast<std::int64_t>(host.size()));
  if (out.dtype != DType::f32) {
    throw Error(std::string("numbers of the host can be sent to float32 activations alone, not to ") +
                to_string(out.dtype) + "; choose the precision f32");
  }
  context.device.upload(host.data(), out.data, host.size_bytes());
}

}  // namespace streamdiffusion
