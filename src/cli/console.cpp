#include "cli/console.h"

#include <algorithm>
#include <cstdio>

#include "posix/terminal.h"

namespace streamdiffusion::cli {
namespace {

/// Prints the text as a single line, over the status line if there is one.
void print_line(const std::string& prefix, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  const char* const clear = posix::stderr_is_terminal() ? "\r\033[K" : "";
  std::fprintf(stderr, "%s%s%s\n", clear, prefix.c_str(), text.c_str());
}

}  // namespace

void Console::info(const std::string& text) const {
  if (!quiet_) {
    print_line("", text);
  }
}

void Console::warning(const std::string& text) const {
  if (!quiet_) {
    print_line("streamdiffusion: warning: ", text);
  }
}

void Console::error(const std::string& text) { print_line("streamdiffusion: error: ", text); }

}  // namespace streamdiffusion::cli
