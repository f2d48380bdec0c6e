#include "device/cpu/page_allocator.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "core/round_up.h"
#include "device/pages.h"
#include "device/pieces.h"
#include "posix/memory.h"

namespace streamdiffusion::cpu {

namespace {

constexpr std::size_t kCacheLine = 64;
// Larger buffers get pages of their own: rounding up to large pages then wastes less than a third.
constexpr std::size_t kMostShared = 2 * posix::kLargePage;
// Size of the pages that small buffers share. The unused part is not resident, so it costs no memory.
constexpr std::size_t kChunkBytes = 16 * posix::kLargePage;

}  // namespace

/// Pages that small buffers share. Thread-safe.
class PageAllocator::SharedPages {
 public:
  SharedPages() : pages_(allocate_pages(kChunkBytes)), pieces_(kChunkBytes) {}

  /// Returns the first free piece that is large enough, zeroed, or nullptr if there is none.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::optional<std::size_t> offset = pieces_.take(bytes);
    if (!offset) {
      return nullptr;
    }
    std::byte* const data = begin() + *offset;
    if (*offset < untouched_) {
      std::memset(data, 0, std::min(bytes, untouched_ - *offset));
    }
    untouched_ = std::max(untouched_, *offset + bytes);
    return data;
  }

  void give_back(void* data) {
    const std::lock_guard lock(mutex_);
    pieces_.give_back(static_cast<std::size_t>(static_cast<std::byte*>(data) - begin()));
  }

 private:
  [[nodiscard]] std::byte* begin() const { return static_cast<std::byte*>(pages_.data()); }

  std::mutex mutex_;
  Buffer pages_;
  Pieces pieces_;
  std::size_t untouched_ = 0;  // Memory from this offset on still holds the system's zeros.
};

Buffer PageAllocator::allocate(std::size_t bytes) {
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  return wanted > kMostShared ? allocate_pages(wanted) : allocate_shared(wanted);
}

Buffer PageAllocator::allocate_shared(std::size_t bytes) {
  const auto take_from = [bytes](const std::shared_ptr<SharedPages>& pages) -> Buffer {
    // Built before the piece is taken, since this may throw and the piece would be lost.
    std::function<void(void*, std::size_t)> free = [pages](void* data, std::size_t) {
      pages->give_back(data);
    };
    void* const data = pages->take(round_up(bytes, kCacheLine));
    return data == nullptr ? Buffer() : Buffer(data, bytes, std::move(free));
  };
  std::erase_if(shared_, [](const auto& pages) { return pages.expired(); });
  for (const std::weak_ptr<SharedPages>& known : shared_) {
    if (const std::shared_ptr<SharedPages> pages = known.lock()) {
      if (Buffer buffer = take_from(pages); buffer.data() != nullptr) {
        return buffer;
      }
    }
  }
  const auto pages = std::make_shared<SharedPages>();
  shared_.push_back(pages);
  return take_from(pages);
}

}  // namespace streamdiffusion::cpu
