#include "control/json_numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "control/settings_json.h"

namespace streamdiffusion {

std::string text_of(float number) {
  std::array<char, 32> text{};
  const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end.ptr};
}

double short_number(float number) { return std::stod(text_of(number)); }

nlohmann::json as_integer(const nlohmann::json& value) {
  constexpr double kLargestExact = 9007199254740992.0;  // 2^53: double represents all integers up to it
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  if (std::trunc(number) != number || std::abs(number) > kLargestExact) {
    return value;
  }
  return number < 0 ? nlohmann::json(static_cast<std::int64_t>(number))
                    : nlohmann::json(static_cast<std::uint64_t>(number));
}

int integer_of(const std::string& name, const nlohmann::json& value, int low, int high) {
  const nlohmann::json integer = as_integer(value);
  // The comparison is of doubles, so that numbers outside the range of int are rejected too.
  const bool in_range =
      integer.is_number_integer() && integer.get<double>() >= low && integer.get<double>() <= high;
  if (!in_range) {
    throw FieldError(name, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return integer.get<int>();
}

float number_of(const char* name, const nlohmann::json& value, float low, float high) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    throw FieldError(name, "must be a number from " + text_of(low) + " to " + text_of(high));
  }
  return value.get<float>();
}

}  // namespace streamdiffusion
