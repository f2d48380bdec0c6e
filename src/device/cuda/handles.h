#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

#include "device/cuda/errors.h"

// Owners of CUDA runtime handles, which free them in their destructors.
namespace streamdiffusion::cuda {

struct Free {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Stream = std::shared_ptr<CUstream_st>;  // shared with buffers, which are freed in stream order
using Graph = std::unique_ptr<CUgraph_st, Free>;
using GraphExec = std::unique_ptr<CUgraphExec_st, Free>;
using Event = std::unique_ptr<CUevent_st, Free>;

inline Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return {stream, Free()};
}

inline Event make_event(unsigned int flags = cudaEventDisableTiming) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, flags), "making an event");
  return Event(event);
}

/// Pinned host memory, which the GPU can access directly.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  ~PinnedMemory() { cudaFreeHost(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  /// Returns at least `bytes` of memory. Earlier contents are lost if it has to grow.
  std::byte* get(std::size_t bytes) {
    if (bytes > bytes_) {
      cudaFreeHost(data_);
      data_ = nullptr;
      bytes_ = 0;
      check(cudaMallocHost(&data_, bytes), "reserving memory of the host");
      bytes_ = bytes;
    }
    return static_cast<std::byte*>(data_);
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace streamdiffusion::cuda
