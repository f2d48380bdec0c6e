#include "device/cpu/page_allocator.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "core/round_up.h"
#include "device/pages.h"
#include "posix/memory.h"

namespace streamdiffusion::cpu {

namespace {

constexpr std::size_t kCacheLine = 64;
// Larger buffers get pages of their own: rounding up to large pages then wastes less than a third.
constexpr std::size_t kMostShared = 2 * posix::kLargePage;
// Size of the pages that small buffers share. The unused part is not resident, so it costs no memory.
constexpr std::size_t kChunkBytes = 16 * posix::kLargePage;

}  // namespace

/// Pages that small buffers share. Used and free pieces cover them without gaps, and two free pieces are
/// never adjacent. Thread-safe.
class PageAllocator::SharedPages {
 public:
  SharedPages() : pages_(allocate_pages(kChunkBytes)), untouched_(static_cast<std::byte*>(pages_.data())) {
    pieces_.emplace(untouched_, Piece{.bytes = kChunkBytes});
  }

  /// Returns the first free piece that is large enough, zeroed, or nullptr if there is none.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(
        pieces_, [bytes](const auto& piece) { return piece.second.is_free && piece.second.bytes >= bytes; });
    if (found == pieces_.end()) {
      return nullptr;
    }
    auto& [data, piece] = *found;
    if (piece.bytes > bytes) {
      pieces_.emplace_hint(std::next(found), data + bytes, Piece{.bytes = piece.bytes - bytes});
      piece.bytes = bytes;
    }
    piece.is_free = false;
    if (data < untouched_) {
      std::memset(data, 0, std::min(bytes, static_cast<std::size_t>(untouched_ - data)));
    }
    untouched_ = std::max(untouched_, data + bytes);
    return data;
  }

  void give_back(void* data) {
    const std::lock_guard lock(mutex_);
    auto piece = pieces_.find(static_cast<std::byte*>(data));
    piece->second.is_free = true;
    join_with_next(piece);
    if (piece != pieces_.begin() && std::prev(piece)->second.is_free) {
      join_with_next(std::prev(piece));
    }
  }

 private:
  struct Piece {
    std::size_t bytes = 0;
    bool is_free = true;
  };
  using Pieces = std::map<std::byte*, Piece>;

  void join_with_next(Pieces::iterator piece) {
    const auto next = std::next(piece);
    if (next != pieces_.end() && next->second.is_free) {
      piece->second.bytes += next->second.bytes;
      pieces_.erase(next);
    }
  }

  std::mutex mutex_;
  Buffer pages_;
  Pieces pieces_;
  std::byte* untouched_;  // Memory from here on was never handed out and still holds the system's zeros.
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
