#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/status_line.h"

namespace streamdiffusion::cli {

/// Shows on standard error how many frames are done.
class Progress {
 public:
  /// `total` is the estimated number of frames, 0 if unknown. It is ignored once it is exceeded.
  Progress(std::int64_t total, bool quiet) : total_(total), line_(quiet) {}

  /// `typed` is the user's unfinished line, shown in place of the bar if present.
  void show(std::int64_t done, double fps, const std::optional<std::string>& typed = std::nullopt);

 private:
  [[nodiscard]] bool knows_total(std::int64_t done) const { return total_ > 0 && done <= total_; }
  [[nodiscard]] std::string numbers(std::int64_t done, double fps) const;

  std::int64_t total_;
  StatusLine line_;
};

/// Formats a duration as "1:02:03" or "2:03".
std::string clock_text(double seconds);
/// Formats a rate as "23.4", or "0.123" below 1.
std::string rate_text(double fps);
/// Formats a size with decimal units, as "1.73 GB" or "12 MB".
std::string size_text(std::int64_t bytes);

}  // namespace streamdiffusion::cli
