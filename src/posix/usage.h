#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace streamdiffusion::posix {

/// Returns the processor time of this process in seconds, user and system.
double processor_seconds();

/// Measures the energy that the processor packages use, by Linux's RAPL counters.
class EnergyMeter {
 public:
  /// `root` is the root of the system's files; only tests change it.
  explicit EnergyMeter(const std::filesystem::path& root = "/");
  /// Returns the joules since construction, or nullopt if there are no counters or no right to read them. The
  /// counters wrap around after minutes to an hour, so measurements must be shorter than that.
  [[nodiscard]] std::optional<double> joules() const;

 private:
  struct Package {
    std::filesystem::path counter;
    double start = 0;  // counter at construction, in microjoules
    double range = 0;  // value at which the counter wraps around, in microjoules
  };
  std::vector<Package> packages_;
};

}  // namespace streamdiffusion::posix
