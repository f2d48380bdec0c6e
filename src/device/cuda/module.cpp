#include "device/cuda/module.h"

#include <string_view>

#include "device/cuda/cuda_device.h"

extern "C" __attribute__((visibility("default"))) const streamdiffusion::cuda::Module*
streamdiffusion_cuda_module(const char* version) {
  static constexpr streamdiffusion::cuda::Module kModule{&streamdiffusion::cuda::list_gpus,
                                                         &streamdiffusion::cuda::make_cuda_device};
  return version == std::string_view(STREAMDIFFUSION_VERSION) ? &kModule : nullptr;
}
