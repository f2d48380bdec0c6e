#include "device/arena.h"

#include <algorithm>

#include "core/round_up.h"

namespace streamdiffusion {

namespace {

// The alignment of cudaMalloc, a multiple of every vector register and cache line.
constexpr std::size_t kAlignment = 256;
// Eight large pages. A larger tensor gets a chunk of its own.
constexpr std::size_t kChunkBytes = std::size_t{16} << 20U;

}  // namespace

Tensor Arena::allocate(const Shape& shape, DType type) {
  const std::size_t bytes = round_up(static_cast<std::size_t>(shape.elements()) * size_of(type), kAlignment);
  std::size_t chunk = chunk_;
  std::size_t used = used_;
  while (chunk < chunks_.size() && used + bytes > chunks_[chunk].bytes()) {
    ++chunk;
    used = 0;
  }
  if (chunk == chunks_.size()) {
    chunks_.push_back(device_.allocate(std::max(bytes, kChunkBytes)));
  }
  chunk_ = chunk;
  used_ = used + bytes;
  return {static_cast<std::byte*>(chunks_[chunk].data()) + used, shape, shape.c, type};
}

std::size_t Arena::bytes() const {
  std::size_t sum = 0;
  for (const Buffer& chunk : chunks_) {
    sum += chunk.bytes();
  }
  return sum;
}

void Arena::release() {
  chunks_.clear();
  chunk_ = 0;
  used_ = 0;
}

}  // namespace streamdiffusion
