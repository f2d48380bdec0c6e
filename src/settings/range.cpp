#include "settings/range.h"

#include <array>
#include <charconv>

namespace streamdiffusion {

namespace {

template <typename Number>
std::string shortest_text(Number number) {
  std::array<char, 32> text{};
  const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end.ptr};
}

}  // namespace

std::string text_of(float number) { return shortest_text(number); }

std::string text_of(double number) { return shortest_text(number); }

}  // namespace streamdiffusion
