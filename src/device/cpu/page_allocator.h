#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::cpu {

/// Memory in large pages, whose addresses a processor translates faster and which do not compete for the same
/// sets of its caches. Small buffers, as most layers' weights are, share them, so that little is left over
/// between them; where one is freed, later ones take its place. To be called from one thread at a time;
/// buffers may outlive it and be freed by any thread.
class PageAllocator {
 public:
  /// Zeroed, aligned to cache lines. Throws Error where there is not as much memory.
  Buffer allocate(std::size_t bytes);

 private:
  class SharedPages;
  Buffer allocate_shared(std::size_t bytes);

  std::vector<std::weak_ptr<SharedPages>> shared_;  // each is freed with the last of its buffers
};

}  // namespace streamdiffusion::cpu
