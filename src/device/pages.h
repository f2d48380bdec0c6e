#pragma once

#include <cstddef>

#include "device/device.h"

namespace streamdiffusion {

/// Zeroed memory of the processor in pages of its own, large ones where the system has them, which go back to
/// the system with the buffer. Throws Error where there is not as much memory. Thread-safe.
Buffer allocate_pages(std::size_t bytes);

}  // namespace streamdiffusion
