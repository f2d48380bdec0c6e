#include "device/cpu/cache_sizes.h"

#include "posix/machine.h"

namespace streamdiffusion::cpu {

CacheSizes CacheSizes::detect() {
  CacheSizes sizes;
  if (const auto second_level = static_cast<std::int64_t>(posix::cache_size(2)); second_level > 0) {
    sizes.second_level = second_level;
  }
  if (const auto third_level = static_cast<std::int64_t>(posix::cache_size(3)); third_level > 0) {
    sizes.last_level = third_level;
  }
  return sizes;
}

}  // namespace streamdiffusion::cpu
