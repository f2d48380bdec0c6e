#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::cuda {

/// Throws what a failed call of the CUDA runtime means to a user: Error where another choice helps,
/// DeviceLost where the process cannot go on computing on this GPU.
inline void check(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) {
    return;
  }
  const std::string reason = std::string(doing) + ": " + cudaGetErrorString(status) + " (CUDA error " +
                             std::to_string(static_cast<int>(status)) + ")";
  switch (status) {
    case cudaErrorMemoryAllocation:
      throw Error("the GPU is out of memory (" + reason + "); use a smaller size, batch or model");
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
      throw Error("no NVIDIA GPU can be used (" + reason +
                  "); check with nvidia-smi that the driver is there and new enough, or use --device cpu");
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      throw Error("this build has no code for this GPU (" + reason +
                  "); build with -DCMAKE_CUDA_ARCHITECTURES=native, or use --device cpu");
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
      throw Error("the CUDA device failed (" + reason + "); please report this");
    default:
      throw DeviceLost("the GPU has stopped working (" + reason +
                       "); start the program again, and see the system's log for NVIDIA's messages (Xid)");
  }
}

}  // namespace streamdiffusion::cuda
