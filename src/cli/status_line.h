#pragma once

#include <chrono>
#include <string>

namespace streamdiffusion::cli {

/// Shows progress on standard error: on a terminal a bar that is redrawn in place, else a line every 5
/// seconds.
class StatusLine {
 public:
  explicit StatusLine(bool quiet);
  /// Erases the bar.
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// `share` is the fraction of the work that is done, from 0 to 1. Below 0 it is unknown and no bar is
  /// drawn.
  void show(double share, const std::string& text);
  /// Erases the bar so that something else can be printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void draw(double share, const std::string& text);

  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point last_line_ = Clock::now();
};

}  // namespace streamdiffusion::cli
