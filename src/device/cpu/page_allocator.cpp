#include "device/cpu/page_allocator.h"

#include <algorithm>
#include <utility>

#include "core/round_up.h"
#include "device/pages.h"
#include "posix/memory.h"

namespace streamdiffusion::cpu {

namespace {

constexpr std::size_t kCacheLine = 64;
// A larger buffer fills pages of its own well enough.
constexpr std::size_t kMostShared = 2 * posix::kLargePage;
// What is not written to does not become resident.
constexpr std::size_t kChunkBytes = 16 * posix::kLargePage;

}  // namespace

Buffer PageAllocator::allocate(std::size_t bytes) {
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  return wanted > kMostShared ? allocate_pages(wanted) : allocate_shared(wanted);
}

Buffer PageAllocator::allocate_shared(std::size_t bytes) {
  std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.pages.expired(); });
  for (Chunk& chunk : chunks_) {
    if (chunk.used + bytes <= kChunkBytes) {
      if (std::shared_ptr<Buffer> pages = chunk.pages.lock()) {
        return allocate_in(chunk, std::move(pages), bytes);
      }
    }
  }
  auto pages = std::make_shared<Buffer>(allocate_pages(kChunkBytes));
  Chunk& chunk = chunks_.emplace_back(Chunk{.pages = pages});
  return allocate_in(chunk, std::move(pages), bytes);
}

Buffer PageAllocator::allocate_in(Chunk& chunk, std::shared_ptr<Buffer> pages, std::size_t bytes) {
  void* const data = static_cast<std::byte*>(pages->data()) + chunk.used;
  chunk.used += round_up(bytes, kCacheLine);
  return {data, bytes, [pages = std::move(pages)](void*, std::size_t) {}};
}

}  // namespace streamdiffusion::cpu
