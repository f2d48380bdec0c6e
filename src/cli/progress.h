#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/status_line.h"

namespace streamdiffusion::cli {

/// Shows how many frames are done, on standard error.
class Progress {
 public:
  /// `total`: about how many frames there will be, 0 where that is not known. It counts as unknown once there
  /// are more.
  Progress(std::int64_t total, bool quiet) : total_(total), line_(quiet) {}

  /// `typed`: what its user has typed of the next line, where lines are typed.
  void show(std::int64_t done, double fps, const std::optional<std::string>& typed = std::nullopt);

 private:
  [[nodiscard]] bool knows_total(std::int64_t done) const { return total_ > 0 && done <= total_; }
  [[nodiscard]] std::string numbers(std::int64_t done, double fps) const;

  std::int64_t total_;
  StatusLine line_;
};

/// "1:02:03" or "2:03".
std::string clock_text(double seconds);
/// "23.4", with more digits where it is small.
std::string rate_text(double fps);
/// "1.73 GB", "12 MB".
std::string size_text(std::int64_t bytes);

}  // namespace streamdiffusion::cli
