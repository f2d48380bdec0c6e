#include "posix/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace streamdiffusion::posix {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

/// The number behind a key of a file in /proc; none where there is no such file or key.
std::optional<std::size_t> read_kilobytes(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string found;
    std::size_t kilobytes = 0;
    if (words >> found >> kilobytes && found == key) {
      return kilobytes;
    }
  }
  return std::nullopt;
}

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
  if (const auto available = read_kilobytes("/proc/meminfo", "MemAvailable:")) {
    // What this process has asked for and not yet written to is promised, though the system still counts it
    // as there. More than the machine has is no promise: sanitizers reserve addresses that way.
    const std::size_t total = read_kilobytes("/proc/meminfo", "MemTotal:").value_or(0);
    const std::size_t asked = read_kilobytes("/proc/self/status", "VmData:").value_or(0);
    const std::size_t written = read_kilobytes("/proc/self/status", "RssAnon:").value_or(0);
    const std::size_t promised = asked > written && asked - written < total ? asked - written : 0;
    return *available > promised ? (*available - promised) * 1024 : 0;
  }
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                               : std::numeric_limits<std::size_t>::max();
}

}  // namespace streamdiffusion::posix
