#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::cpu {

/// Allocates memory in large pages (2 MB). They need fewer address translations, and data in them competes
/// less for the same cache sets. Small buffers share pages, whose freed pieces are reused. Not thread-safe,
/// but buffers may outlive the allocator and be freed by any thread.
class PageAllocator {
 public:
  /// Returns zeroed memory, aligned to cache lines. Throws Error if the system has too little memory.
  Buffer allocate(std::size_t bytes);

 private:
  class SharedPages;
  Buffer allocate_shared(std::size_t bytes);

  std::vector<std::weak_ptr<SharedPages>> shared_;  // Weak: their buffers own them.
};

}  // namespace streamdiffusion::cpu
