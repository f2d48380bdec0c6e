#pragma once

#include <volk.h>

#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::vulkan {

/// Throws the exception for a failed call of Vulkan: Error if the user can do something about it, DeviceLost
/// if the process can no longer use this GPU.
[[noreturn]] inline void fail(VkResult status, const std::string& doing) {
  const std::string reason = doing + ": Vulkan error " + std::to_string(static_cast<int>(status));
  switch (status) {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      throw OutOfMemory("the GPU is out of memory (" + reason + "); use a smaller size, batch or model");
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      throw OutOfMemory("the computer is out of memory (" + reason + "); use a smaller size, batch or model");
    case VK_ERROR_DEVICE_LOST:
      throw DeviceLost("the GPU has stopped working (" + reason +
                       "); start the program again, and see the system's log for the driver's messages");
    default:
      throw DeviceError("the Vulkan device failed (" + reason +
                        "); a newer driver may help, or use the device \"cpu\"");
  }
}

/// Throws as `fail` does if `status` is an error. `doing` says what was tried, such as "reserving 64 MB".
inline void check(VkResult status, const std::string& doing) {
  if (status < VK_SUCCESS) {
    fail(status, doing);
  }
}

}  // namespace streamdiffusion::vulkan
