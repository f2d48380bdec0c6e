#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Assembles lines from the bytes of a terminal or pipe. It handles backspace, Ctrl-W and Ctrl-U, for
/// terminals that deliver each key at once. Arrow keys and other escape sequences are ignored.
class LineEditor {
 public:
  /// Processes bytes and calls `on_line` with each complete line, without its line ending.
  void feed(std::string_view bytes, const std::function<void(const std::string&)>& on_line);
  /// Ends the input. An unfinished line is passed to `on_line`.
  void end(const std::function<void(const std::string&)>& on_line);
  /// The unfinished line.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void take(char byte);
  void remove_character();
  void remove_word();

  /// State of the parser of escape sequences.
  enum class Escape { none, begun, sequence };

  std::string text_;
  Escape escape_ = Escape::none;
};

/// Returns the last `columns` characters of UTF-8 `text`, each counted as one column.
std::string last_columns(const std::string& text, std::size_t columns);

}  // namespace streamdiffusion
