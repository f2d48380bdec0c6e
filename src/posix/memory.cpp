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

/// Returns the size to map: whole large pages if more than half of the last one is used, else whole small
/// pages.
std::size_t bytes_taken(std::size_t bytes) {
  const std::size_t in_large_pages = round_up(bytes, kLargePage);
  return in_large_pages - bytes < kLargePage / 2
             ? in_large_pages
             : round_up(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

/// Returns the number after a key in a file of /proc, or nullopt if there is no such file or key.
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
  // Large pages start at multiples of their size. The excess before and after the aligned part is unmapped.
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
  madvise(data, taken, MADV_HUGEPAGE);  // only a hint, so a failure is harmless
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
    // MemAvailable still counts memory that this process has allocated but not yet written to. That memory is
    // subtracted, unless it exceeds the machine's: then it is address space that a sanitizer reserves.
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
