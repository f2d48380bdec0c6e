#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "control/line_editor.h"
#include "posix/terminal.h"

namespace streamdiffusion::cli {

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

std::string size_text(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  char text[32];
  if (size >= 1e9) {
    std::snprintf(text, sizeof text, "%.2f GB", size / 1e9);
  } else if (size >= 1e6) {
    std::snprintf(text, sizeof text, size < 1e7 ? "%.1f MB" : "%.0f MB", size / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.0f kB", std::ceil(size / 1e3));
  }
  return text;
}

void Progress::show(std::int64_t done, double fps, const std::optional<std::string>& typed) {
  if (typed) {
    const std::string before = numbers(done, fps) + " > ";
    const auto columns = static_cast<std::size_t>(posix::terminal_columns());
    const std::size_t room = columns > before.size() ? columns - before.size() - 1 : 0;
    line_.show(-1, before + last_columns(*typed, room));
    return;
  }
  line_.show(knows_total(done) ? static_cast<double>(done) / static_cast<double>(total_) : -1,
             numbers(done, fps));
}

std::string Progress::numbers(std::int64_t done, double fps) const {
  std::ostringstream text;
  text << done;
  if (knows_total(done)) {
    text << "/" << total_;
  }
  text << " frames, " << rate_text(fps) << " fps";
  if (knows_total(done) && fps > 0) {
    text << ", " << clock_text(static_cast<double>(total_ - done) / fps) << " left";
  }
  return text.str();
}

}  // namespace streamdiffusion::cli
