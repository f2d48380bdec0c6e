#pragma once

#include <cstddef>
#include <string>

namespace streamdiffusion::vulkan {

/// A device of a Vulkan driver, for users to choose from.
struct GpuDescription {
  std::string name;
  std::string driver;        ///< Name and version of the driver.
  std::size_t memory = 0;    ///< Bytes of the device's own memory; of the computer's where they are the same.
  bool is_discrete = false;  ///< True for a GPU with memory of its own.
  bool is_software = false;  ///< True if it computes on the CPU, as Mesa's llvmpipe does.
  std::string missing;  ///< Features that the networks need and the device lacks; empty if it can be used.
};

}  // namespace streamdiffusion::vulkan
