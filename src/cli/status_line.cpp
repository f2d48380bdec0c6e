#include "cli/status_line.h"

#include <algorithm>
#include <cstdio>

#include "posix/terminal.h"

namespace streamdiffusion::cli {
namespace {

constexpr std::chrono::seconds kLineInterval{5};

}  // namespace

StatusLine::StatusLine(bool quiet) : quiet_(quiet), terminal_(posix::stderr_is_terminal()) {}

StatusLine::~StatusLine() { clear(); }

void StatusLine::show(double share, const std::string& text) {
  if (quiet_) {
    return;
  }
  if (terminal_) {
    draw(share, text);
  } else if (Clock::now() - last_line_ >= kLineInterval) {
    last_line_ = Clock::now();
    std::fprintf(stderr, "%s\n", text.c_str());
  }
}

void StatusLine::clear() {
  if (drawn_) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    drawn_ = false;
  }
}

void StatusLine::draw(double share, const std::string& text) {
  constexpr int kWidest = 40;
  constexpr int kNarrowest = 5;
  std::string line;
  const int room = std::min(kWidest, posix::terminal_columns() - static_cast<int>(text.size()) - 4);
  if (share >= 0 && room >= kNarrowest) {
    const auto filled = static_cast<std::size_t>(std::min(1.0, share) * room);
    line.append("[").append(filled, '#').append(static_cast<std::size_t>(room) - filled, '.').append("] ");
  }
  std::fprintf(stderr, "\r%s%s\033[K", line.c_str(), text.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace streamdiffusion::cli
