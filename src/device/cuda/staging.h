#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "device/cuda/handles.h"

namespace streamdiffusion::cuda {

/// Copies host memory to the GPU through pinned memory of its own. The caller's memory has been read when
/// `upload` returns, even if it is pinned itself, so the caller may change it at once.
class Staging {
 public:
  /// Queues a copy of `bytes` from `host` to `device`. Large copies go in parts, so that the GPU fetches one
  /// part while the host fills the next.
  void upload(const void* host, std::size_t bytes, void* device, cudaStream_t stream) {
    for (std::size_t first = 0; first < bytes; first += kPartBytes) {
      Part& part = parts_[next_];
      next_ = (next_ + 1) % parts_.size();
      const std::size_t count = std::min(kPartBytes, bytes - first);
      check(cudaEventSynchronize(part.fetched.get()), "copying to the GPU");
      std::byte* const pinned = part.memory.get(count);
      std::memcpy(pinned, static_cast<const std::byte*>(host) + first, count);
      check(cudaMemcpyAsync(static_cast<std::byte*>(device) + first, pinned, count, cudaMemcpyHostToDevice,
                            stream),
            "copying to the GPU");
      check(cudaEventRecord(part.fetched.get(), stream), "copying to the GPU");
    }
  }

 private:
  // Large enough that the start of a copy (some microseconds) does not count.
  static constexpr std::size_t kPartBytes = std::size_t{4} << 20U;

  struct Part {
    PinnedMemory memory;
    Event fetched = make_event();  // the GPU has read `memory`
  };
  std::array<Part, 2> parts_;
  std::size_t next_ = 0;
};

}  // namespace streamdiffusion::cuda
