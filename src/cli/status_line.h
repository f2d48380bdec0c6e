#pragma once

#include <chrono>
#include <string>

namespace streamdiffusion::cli {

/// Shows progress on standard error. On a terminal, a bar is redrawn in place. Otherwise `show` prints at
/// most one line every 5 seconds. If `quiet` is true, nothing is shown.
class StatusLine {
 public:
  explicit StatusLine(bool quiet);
  /// Erases the bar.
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Shows `text` after a bar. `share` is the fraction of the work that is done, from 0 to 1. If it is
  /// negative, the fraction is unknown and only the text is shown.
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
