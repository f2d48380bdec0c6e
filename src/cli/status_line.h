#pragma once

#include <chrono>
#include <string>

namespace streamdiffusion::cli {

/// The last line of standard error, drawn over and over: a bar on a terminal, else a line every few seconds.
class StatusLine {
 public:
  explicit StatusLine(bool quiet);
  /// Takes the bar off the terminal.
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// `share` of the work that is done, from 0 to 1; below 0 where that is not known, and there is no bar.
  void show(double share, const std::string& text);
  /// Takes the bar off, so that something else can be printed.
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
