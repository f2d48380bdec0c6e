#include "control/json_numbers.h"

#include <array>
#include <charconv>

#include "control/settings_json.h"

namespace streamdiffusion {

std::string text_of(float number) {
  std::array<char, 32> text{};
  const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end.ptr};
}

double short_number(float number) { return std::stod(text_of(number)); }

float number_of(const char* name, const nlohmann::json& value, float low, float high) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    throw FieldError(name, "must be a number from " + text_of(low) + " to " + text_of(high));
  }
  return value.get<float>();
}

}  // namespace streamdiffusion
