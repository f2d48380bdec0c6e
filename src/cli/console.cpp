#include "cli/console.h"

#include <algorithm>
#include <cstdio>

namespace streamdiffusion::cli {
namespace {

/// One line, whatever the text holds.
void print_line(const std::string& prefix, std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::fprintf(stderr, "%s%s\n", prefix.c_str(), text.c_str());
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
