#pragma once

#include <cstddef>

#include "device/device.h"

namespace streamdiffusion {

/// Allocates zeroed host memory in pages of its own, large pages if available. The pages return to the system
/// with the buffer. Throws Error if there is not enough memory. Thread-safe.
Buffer allocate_pages(std::size_t bytes);

}  // namespace streamdiffusion
