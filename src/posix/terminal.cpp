#include "posix/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace streamdiffusion::posix {

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

bool stdin_is_terminal() { return isatty(STDIN_FILENO) == 1; }

bool can_read_stdin() {
  const pid_t foreground = stdin_is_terminal() ? tcgetpgrp(STDIN_FILENO) : -1;
  return foreground < 0 || foreground == getpgrp();
}

int terminal_columns() {
  constexpr int kUnknown = 80;
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknown;
}

CharacterModeTerminal::CharacterModeTerminal() : before_(std::make_unique<termios>()) {
  if (!can_read_stdin() || tcgetattr(STDIN_FILENO, before_.get()) != 0) {
    before_.reset();
    return;
  }
  termios changed = *before_;
  changed.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &changed);
}

CharacterModeTerminal::~CharacterModeTerminal() {
  if (before_ && can_read_stdin()) tcsetattr(STDIN_FILENO, TCSADRAIN, before_.get());
}

}  // namespace streamdiffusion::posix
