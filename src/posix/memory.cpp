#include "posix/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <string>

namespace streamdiffusion::posix {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

}  // namespace

void* allocate_pages(std::size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return nullptr;
  }
#ifdef MADV_HUGEPAGE
  if (bytes >= kLargePage) {
    madvise(data, bytes, MADV_HUGEPAGE);  // a hint: without large pages it is only slower
  }
#endif
  return data;
}

void free_pages(void* data, std::size_t bytes) { munmap(data, bytes); }

std::size_t available_memory() {
  std::ifstream info("/proc/meminfo");
  std::string key;
  std::size_t kilobytes = 0;
  std::string unit;
  while (info >> key >> kilobytes && std::getline(info, unit)) {
    if (key == "MemAvailable:") {
      return kilobytes * 1024;
    }
  }
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                               : std::numeric_limits<std::size_t>::max();
}

}  // namespace streamdiffusion::posix
