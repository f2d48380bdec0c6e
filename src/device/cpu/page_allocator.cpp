#include "device/cpu/page_allocator.h"

#include <algorithm>
#include <string>

#include "posix/memory.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cpu {

namespace {

constexpr std::size_t kCacheLine = 64;
// Shared by buffers up to a large page. What is not written to does not become resident.
constexpr std::size_t kSharedBytes = 4 * posix::kLargePage;

Buffer allocate_alone(std::size_t bytes) {
  const std::size_t available = posix::available_memory();
  void* data = bytes <= available ? posix::allocate_pages(bytes) : nullptr;
  if (data == nullptr) {
    throw Error("out of memory: " + std::to_string(bytes >> 20U) + " MB are needed and " +
                std::to_string(available >> 20U) + " MB are available; use a smaller size, batch or model");
  }
  return {data, bytes, &posix::free_pages};
}

}  // namespace

Buffer PageAllocator::allocate(std::size_t bytes) {
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  if (wanted > posix::kLargePage) {
    return allocate_alone(wanted);
  }
  const std::size_t taken = (wanted + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (pages_ == nullptr || used_ + taken > pages_->bytes()) {
    pages_ = std::make_shared<Buffer>(allocate_alone(kSharedBytes));
    used_ = 0;
  }
  void* const data = static_cast<std::byte*>(pages_->data()) + used_;
  used_ += taken;
  return {data, wanted, [pages = pages_](void*, std::size_t) {}};
}

}  // namespace streamdiffusion::cpu
