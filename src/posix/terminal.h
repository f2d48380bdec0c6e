#pragma once

namespace streamdiffusion::posix {

/// Whether standard error is a terminal.
bool stderr_is_terminal();

/// Columns of the terminal behind standard error; 80 where it does not tell.
int terminal_columns();

}  // namespace streamdiffusion::posix
