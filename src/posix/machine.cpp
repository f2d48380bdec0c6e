#include "posix/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace streamdiffusion::posix {

namespace {

/// Returns the bytes that Linux writes as "1024K", or 0.
std::size_t parse_cache_size(std::istream& text) {
  std::size_t count = 0;
  char unit = 0;
  text >> count >> unit;
  return unit == 'K' ? count << 10U : 0;
}

}  // namespace

std::string processor_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  utsname names{};
  return uname(&names) == 0 ? names.machine : "unknown";
}

int processor_count() { return static_cast<int>(std::thread::hardware_concurrency()); }

std::size_t total_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size) : 0;
}

std::size_t cache_size(int level, const std::filesystem::path& folder) {
  for (int i = 0;; ++i) {
    const std::filesystem::path cache = folder / ("index" + std::to_string(i));
    int found = 0;
    std::string type;
    std::ifstream(cache / "level") >> found;
    std::ifstream(cache / "type") >> type;
    if (found == 0) {
      return 0;
    }
    if (found == level && type != "Instruction") {
      std::ifstream size(cache / "size");
      return parse_cache_size(size);
    }
  }
}

}  // namespace streamdiffusion::posix
