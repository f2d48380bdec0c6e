#pragma once

#include <memory>

struct termios;

namespace streamdiffusion::posix {

/// True if standard error is a terminal.
bool stderr_is_terminal();

/// True if standard input is a terminal.
bool stdin_is_terminal();

/// True if standard input may be read. Reading from a terminal would stop a program that runs in the
/// background.
bool can_read_stdin();

/// Returns the number of columns of the terminal on standard error, or 80 if it is unknown.
int terminal_columns();

/// During its lifetime, the terminal on standard input delivers each key at once, without echo. Ctrl-C and
/// Ctrl-Z keep their meaning.
class CharacterModeTerminal {
 public:
  CharacterModeTerminal();
  ~CharacterModeTerminal();
  CharacterModeTerminal(const CharacterModeTerminal&) = delete;
  CharacterModeTerminal& operator=(const CharacterModeTerminal&) = delete;

 private:
  std::unique_ptr<termios> before_;
};

}  // namespace streamdiffusion::posix
