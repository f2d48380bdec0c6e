#include "posix/usage.h"

#include <sys/resource.h>

#include <fstream>
#include <string>
#include <system_error>

namespace streamdiffusion::posix {

namespace {

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Reads the number in a file of /sys.
std::optional<double> read_number(const std::filesystem::path& file) {
  std::ifstream stream(file);
  double number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime);
}

EnergyMeter::EnergyMeter(const std::filesystem::path& root) {
  std::error_code none;
  for (const auto& zone : std::filesystem::directory_iterator(root / "sys/class/powercap", none)) {
    // "intel-rapl:0" is a package, on AMD too. "intel-rapl:0:0" is a part of it, which would be counted
    // twice.
    const std::string name = zone.path().filename().string();
    const bool is_package = name.starts_with("intel-rapl:") && name.find(':') == name.rfind(':');
    const auto start = read_number(zone.path() / "energy_uj");
    if (is_package && start) {
      packages_.push_back(
          {zone.path() / "energy_uj", *start, read_number(zone.path() / "max_energy_range_uj").value_or(0)});
    }
  }
}

std::optional<double> EnergyMeter::joules() const {
  if (packages_.empty()) {
    return std::nullopt;
  }
  double microjoules = 0;
  for (const Package& package : packages_) {
    const auto now = read_number(package.counter);
    if (!now) {
      return std::nullopt;
    }
    microjoules += *now - package.start + (*now < package.start ? package.range : 0);
  }
  return microjoules * 1e-6;
}

}  // namespace streamdiffusion::posix
