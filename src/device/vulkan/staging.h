#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "device/vulkan/memory.h"
#include "device/vulkan/queue.h"

namespace streamdiffusion::vulkan {

/// Memory of the host that the GPU reads and writes. It takes copies of what callers pass, so that they may
/// change theirs at once.
class Staging {
 public:
  Staging(SharedContext context, Queue& queue) : context_(std::move(context)), queue_(queue) {}

  /// Copies `bytes` from `host`. Returns where the GPU reads them, for commands that are added to the queue
  /// before the next call.
  Address upload(const void* host, std::size_t bytes);

  /// Returns memory that commands added to the queue may write, until the next call.
  Address begin_download(std::size_t bytes);
  /// Runs the commands, and returns what they wrote there.
  const std::byte* end_download();

  /// Number of bytes up to which `upload` takes no memory of its own for a call.
  static constexpr std::size_t kPartBytes = std::size_t{8} << 20U;

 private:
  // While the GPU reads one part, the host fills the other.
  struct Part {
    std::unique_ptr<Block> block;
    std::size_t used = 0;
    Moment read{};  // The GPU has read the part.
  };

  void change_part(std::size_t bytes);

  SharedContext context_;
  Queue& queue_;
  std::array<Part, 2> parts_;
  std::size_t current_ = 0;
  std::unique_ptr<Block> downloads_;
};

}  // namespace streamdiffusion::vulkan
