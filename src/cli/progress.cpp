#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "posix/terminal.h"

namespace streamdiffusion::cli {
namespace {

constexpr std::chrono::seconds kLineInterval{5};

}  // namespace

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::llround(std::clamp(seconds, 0.0, 1e8)));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  }
  return text;
}

std::string rate_text(double fps) {
  char text[32];
  std::snprintf(text, sizeof text, fps < 1 ? "%.3f" : "%.1f", fps);
  return text;
}

Progress::Progress(std::int64_t total, bool quiet)
    : total_(total), quiet_(quiet), terminal_(posix::stderr_is_terminal()) {}

Progress::~Progress() {
  if (drawn_) {
    std::fputs("\r\033[K", stderr);
  }
}

void Progress::show(std::int64_t done, double fps) {
  if (quiet_) {
    return;
  }
  if (terminal_) {
    draw_bar(done, fps);
  } else if (Clock::now() - last_line_ >= kLineInterval) {
    last_line_ = Clock::now();
    std::fprintf(stderr, "%s\n", numbers(done, fps).c_str());
  }
}

std::string Progress::numbers(std::int64_t done, double fps) const {
  std::ostringstream text;
  text << done;
  if (total_ > 0) {
    text << "/" << total_;
  }
  text << " frames, " << rate_text(fps) << " fps";
  if (total_ > 0 && fps > 0) {
    text << ", " << clock_text(static_cast<double>(std::max<std::int64_t>(total_ - done, 0)) / fps)
         << " left";
  }
  return text.str();
}

void Progress::draw_bar(std::int64_t done, double fps) {
  constexpr int kWidest = 40;
  constexpr int kNarrowest = 5;
  const std::string text = numbers(done, fps);
  std::string line;
  const int room = std::min(kWidest, posix::terminal_columns() - static_cast<int>(text.size()) - 4);
  if (total_ > 0 && room >= kNarrowest) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const auto filled = static_cast<std::size_t>(share * room);
    line.append("[").append(filled, '#').append(static_cast<std::size_t>(room) - filled, '.').append("] ");
  }
  std::fprintf(stderr, "\r%s%s\033[K", line.c_str(), text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace streamdiffusion::cli
