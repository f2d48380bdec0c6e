#include <utility>

#include "device/device.h"

namespace streamdiffusion {

Buffer::Buffer(void* data, std::size_t bytes, std::function<void(void*, std::size_t)> free)
    : data_(data), bytes_(bytes), free_(std::move(free)) {}

Buffer::~Buffer() {
  if (data_ != nullptr) {
    free_(data_, bytes_);
  }
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      free_(std::move(other.free_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(free_, other.free_);
  return *this;
}

}  // namespace streamdiffusion
