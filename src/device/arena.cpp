#include "device/arena.h"

#include <algorithm>

#include "core/round_up.h"

namespace streamdiffusion {

namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kChunkBytes = std::size_t{16} << 20U;

}  // namespace

Tensor Arena::allocate(const Shape& shape, DType type) {
  const std::size_t bytes = round_up(static_cast<std::size_t>(shape.elements()) * size_of(type), kAlignment);
  while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].bytes()) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    chunks_.push_back(device_.allocate(std::max(bytes, kChunkBytes)));
  }
  auto* data = static_cast<std::byte*>(chunks_[chunk_].data()) + used_;
  used_ += bytes;
  return {data, shape, shape.c, type};
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
