#include "control/line_editor.h"

#include <algorithm>
#include <utility>

namespace streamdiffusion {
namespace {

constexpr char kBackspace = '\b';
constexpr char kDelete = 0x7F;
constexpr char kEscape = 0x1B;
constexpr char kCtrlU = 0x15;
constexpr char kCtrlW = 0x17;
constexpr std::size_t kLongest = 20'000;  // bytes of a line; further ones are dropped

/// True for a continuation byte of UTF-8.
bool is_continuation_byte(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20; }

}  // namespace

void LineEditor::feed(std::string_view bytes, const std::function<void(const std::string&)>& on_line) {
  for (const char byte : bytes) {
    if (byte == '\n' || byte == '\r') {
      escape_ = Escape::none;
      on_line(std::exchange(text_, {}));
    } else {
      take(byte);
    }
  }
}

void LineEditor::end(const std::function<void(const std::string&)>& on_line) {
  if (!text_.empty()) on_line(std::exchange(text_, {}));
}

void LineEditor::take(char byte) {
  if (escape_ == Escape::begun) {
    escape_ = byte == '[' || byte == 'O' ? Escape::sequence : Escape::none;
  } else if (escape_ == Escape::sequence) {
    const bool last = byte >= '@' && byte <= '~';
    if (last) escape_ = Escape::none;
  } else if (byte == kEscape) {
    escape_ = Escape::begun;
  } else if (byte == kBackspace || byte == kDelete) {
    remove_character();
  } else if (byte == kCtrlU) {
    text_.clear();
  } else if (byte == kCtrlW) {
    remove_word();
  } else if ((!is_control(byte) || byte == '\t') && text_.size() < kLongest) {
    text_ += byte == '\t' ? ' ' : byte;
  }
}

void LineEditor::remove_character() {
  while (!text_.empty() && is_continuation_byte(text_.back())) text_.pop_back();
  if (!text_.empty()) text_.pop_back();
}

void LineEditor::remove_word() {
  while (!text_.empty() && text_.back() == ' ') text_.pop_back();
  while (!text_.empty() && text_.back() != ' ') text_.pop_back();
}

std::string last_columns(const std::string& text, std::size_t columns) {
  std::size_t begin = text.size();
  for (std::size_t taken = 0; begin > 0 && taken < columns; ++taken) {
    do {
      --begin;
    } while (begin > 0 && is_continuation_byte(text[begin]));
  }
  return text.substr(begin);
}

}  // namespace streamdiffusion
