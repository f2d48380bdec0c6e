#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/tensor.h"
#include "device/device.h"
#include "device/vulkan/context.h"

namespace streamdiffusion::vulkan {

/// An address in the memory that a GPU sees. Shaders take these, and Tensor::data holds them as pointers.
using Address = std::uint64_t;

inline Address address_of(const void* data) { return reinterpret_cast<std::uintptr_t>(data); }

/// Returns a dense vector of `count` elements at `address`.
inline Tensor dense_tensor(Address address, std::int64_t count, DType type) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the GPU's; no host code reads through it.
  return {reinterpret_cast<void*>(address), {.c = count}, count, type};
}

/// A block of the driver's memory, with one Vulkan buffer that covers it.
class Block {
 public:
  enum class Kind : std::uint8_t {
    device,    ///< Memory of the GPU.
    upload,    ///< Memory of the host that the GPU reads.
    download,  ///< Memory of the host that the GPU writes and the host reads.
  };

  /// Throws OutOfMemory if there is not enough.
  Block(SharedContext context, Kind kind, std::size_t bytes);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] Address address() const { return address_; }
  /// Where the host sees the memory; null for memory of the GPU.
  [[nodiscard]] std::byte* host() const { return host_; }

 private:
  SharedContext context_;
  std::size_t bytes_;
  VkDeviceMemory memory_ = nullptr;
  VkBuffer buffer_ = nullptr;
  Address address_ = 0;
  std::byte* host_ = nullptr;
};

/// Allocates memory of the GPU in pieces of large blocks, because drivers are slow at it and some allow only
/// 4096 allocations. Buffers may outlive it and be freed by any thread; their memory may be used again at
/// once by commands that are queued later.
class Memory {
 public:
  /// `wait` waits until the GPU has finished all commands. It is called before memory returns to the driver.
  Memory(SharedContext context, std::function<void()> wait);

  /// Returns uninitialised memory, aligned to 256 bytes. Throws OutOfMemory if there is not enough.
  Buffer allocate(std::size_t bytes);

 private:
  class SharedBlock;
  void release_unused();

  SharedContext context_;
  std::function<void()> wait_;
  std::vector<std::shared_ptr<SharedBlock>> blocks_;
};

}  // namespace streamdiffusion::vulkan
