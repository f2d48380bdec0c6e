#include "posix/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/round_up.h"

namespace streamdiffusion::posix {

namespace {

/// What is taken from the system: whole large pages if more than half of the last one is used.
std::size_t bytes_taken(std::size_t bytes) {
  const std::size_t in_large_pages = round_up(bytes, kLargePage);
  return in_large_pages - bytes < kLargePage / 2
             ? in_large_pages
             : round_up(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

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
  const std::size_t taken = bytes_taken(bytes);
  // Large pages begin at multiples of their size: what is too much before and after goes back.
  const std::size_t slack = taken >= kLargePage ? kLargePage : 0;
  void* const mapped =
      mmap(nullptr, taken + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    return nullptr;
  }
  if (slack == 0) {
    return mapped;
  }
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  std::byte* const data = begin + before;
  if (before > 0) {
    munmap(begin, before);
  }
  if (before < slack) {
    munmap(data + taken, slack - before);
  }
#ifdef MADV_HUGEPAGE
  madvise(data, taken, MADV_HUGEPAGE);  // a hint: without large pages it is only slower
#endif
  return data;
}

void free_pages(void* data, std::size_t bytes) { munmap(data, bytes_taken(bytes)); }

void return_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

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
