#include "device/pages.h"

#include <string>

#include "posix/memory.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

Buffer allocate_pages(std::size_t bytes) {
  const std::size_t available = posix::available_memory();
  void* data = bytes <= available ? posix::allocate_pages(bytes) : nullptr;
  if (data == nullptr) {
    throw OutOfMemory("out of memory: " + std::to_string(bytes >> 20U) + " MB are needed and " +
                      std::to_string(available >> 20U) +
                      " MB are available; use a smaller size, batch or model");
  }
  return {data, bytes, &posix::free_pages};
}

}  // namespace streamdiffusion
