#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace streamdiffusion::cli {

/// Shows how far long work is, on standard error: a bar on a terminal, else a line every few seconds.
class Progress {
 public:
  /// `total`: frames that there will be, 0 where that is not known.
  Progress(std::int64_t total, bool quiet);
  /// Takes the bar off the terminal.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::int64_t done, double fps);

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::string numbers(std::int64_t done, double fps) const;
  void draw_bar(std::int64_t done, double fps);

  std::int64_t total_;
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point last_line_ = Clock::now();
};

/// "1:02:03" or "2:03".
std::string clock_text(double seconds);
/// "23.4", with more digits where it is small.
std::string rate_text(double fps);

}  // namespace streamdiffusion::cli
