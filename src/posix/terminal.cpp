#include "posix/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace streamdiffusion::posix {

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

int terminal_columns() {
  constexpr int kUnknown = 80;
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknown;
}

}  // namespace streamdiffusion::posix
