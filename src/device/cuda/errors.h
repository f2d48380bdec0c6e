#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::cuda {

/// Throws the exception for a failed call of the CUDA runtime: Error if the user can do something about it,
/// DeviceLost if the process can no longer use this GPU.
[[noreturn]] inline void fail(cudaError_t status, const std::string& reason) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      throw OutOfMemory("the GPU is out of memory (" + reason + "); use a smaller size, batch or model");
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
      throw DeviceError(
          "no NVIDIA GPU can be used (" + reason +
          "); check with nvidia-smi that the driver is there and new enough, or use the device \"cpu\"");
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      throw DeviceError("this build has no code for this GPU (" + reason +
                        "); build with -DCMAKE_CUDA_ARCHITECTURES=native, or use the device \"cpu\"");
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
      throw DeviceError("the CUDA device failed (" + reason + "); please report this");
    default:
      throw DeviceLost("the GPU has stopped working (" + reason +
                       "); start the program again, and see the system's log for NVIDIA's messages (Xid)");
  }
}

inline void check(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) {
    fail(status, std::string(doing) + ": " + cudaGetErrorString(status) + " (CUDA error " +
                     std::to_string(static_cast<int>(status)) + ")");
  }
}

/// Checks, after a failed library call, if the GPU itself failed. Throws as `fail` does in that case.
inline void check_gpu(cudaStream_t stream) {
  const cudaError_t status = cudaStreamQuery(stream);
  if (status != cudaErrorNotReady) {
    check(status, "computing");
  }
}

}  // namespace streamdiffusion::cuda
