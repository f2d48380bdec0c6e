#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::cpu {

/// Memory in large pages, of which a processor finds addresses faster, and which do not compete for the same
/// places of its caches. Small buffers, as most layers' weights are, share them, so that little is left over
/// between them. To be called from one thread at a time; buffers may outlive it and be freed by any thread.
class PageAllocator {
 public:
  /// Zeroed, aligned to cache lines. Throws Error where there is not as much memory.
  Buffer allocate(std::size_t bytes);

 private:
  /// Pages that buffers share, and that go with the last of them. What is freed before is not used again.
  struct Chunk {
    std::weak_ptr<Buffer> pages;
    std::size_t used = 0;
  };
  Buffer allocate_shared(std::size_t bytes);
  static Buffer allocate_in(Chunk& chunk, std::shared_ptr<Buffer> pages, std::size_t bytes);

  std::vector<Chunk> chunks_;
};

}  // namespace streamdiffusion::cpu
