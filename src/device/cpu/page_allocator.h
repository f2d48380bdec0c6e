#pragma once

#include <cstddef>
#include <memory>

#include "device/device.h"

namespace streamdiffusion::cpu {

/// Memory in large pages, of which a processor finds addresses faster, and which do not compete for the same
/// places of its caches. Small buffers, as most layers' weights are, share them. To be called from one thread
/// at a time; buffers may outlive it and be freed by any thread.
class PageAllocator {
 public:
  /// Zeroed, aligned to cache lines. Throws Error where there is not as much memory.
  Buffer allocate(std::size_t bytes);

 private:
  std::shared_ptr<Buffer> pages_;  // those that are being filled; buffers in them keep them, too
  std::size_t used_ = 0;
};

}  // namespace streamdiffusion::cpu
