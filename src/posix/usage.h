#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace streamdiffusion::posix {

/// Seconds that processors have spent on this process.
double processor_seconds();

/// What the processors' packages have used, as the system counts it (RAPL, Linux).
class EnergyMeter {
 public:
  /// `root`: where the system's files are, / but in tests.
  explicit EnergyMeter(const std::filesystem::path& root = "/");
  /// Joules since the meter was made; none where the system does not count them or lets nobody read them. It
  /// counts anew after minutes to an hour: for measurements shorter than that.
  [[nodiscard]] std::optional<double> joules() const;

 private:
  struct Package {
    std::filesystem::path counter;
    double start = 0;  // microjoules
    double range = 0;
  };
  std::vector<Package> packages_;
};

}  // namespace streamdiffusion::posix
