#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Makes lines of the bytes that come from a terminal or a pipe, with the keys that people expect where the
/// terminal gives each one at once: backspace, Ctrl-W and Ctrl-U. Arrows and their like are left out.
class LineEditor {
 public:
  /// Calls `on_line` for each line that is complete, without its end.
  void feed(std::string_view bytes, const std::function<void(const std::string&)>& on_line);
  /// The input has ended: what stands there without an end is a line too.
  void end(const std::function<void(const std::string&)>& on_line);
  /// What has been typed of the next line.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void take(char byte);
  void remove_character();
  void remove_word();

  /// Where in a key's escape sequence the next byte stands.
  enum class Escape { none, begun, sequence };

  std::string text_;
  Escape escape_ = Escape::none;
};

/// The end of `text` that fits into `columns`, each character one wide.
std::string last_columns(const std::string& text, std::size_t columns);

}  // namespace streamdiffusion
