#pragma once

#include <memory>

struct termios;

namespace streamdiffusion::posix {

/// Whether standard error is a terminal.
bool stderr_is_terminal();

/// Whether standard input is a terminal.
bool stdin_is_terminal();

/// Whether standard input may be read: a terminal stops a program in the background that reads from it.
bool stdin_is_ours();

/// Columns of the terminal behind standard error; 80 where it does not tell.
int terminal_columns();

/// While it lives, the terminal behind standard input gives each key at once and does not show it. Ctrl-C and
/// Ctrl-Z stay what they are.
class KeyByKey {
 public:
  KeyByKey();
  ~KeyByKey();
  KeyByKey(const KeyByKey&) = delete;
  KeyByKey& operator=(const KeyByKey&) = delete;

 private:
  std::unique_ptr<termios> before_;
};

}  // namespace streamdiffusion::posix
