#include "control/json_numbers.h"

#include <cmath>
#include <cstdint>

#include "control/settings_json.h"

namespace streamdiffusion {

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

std::optional<int> integer_in(const Range<int>& range, const nlohmann::json& value) {
  const nlohmann::json integer = as_integer(value);
  // The comparison is of doubles, so that numbers outside the range of int are rejected too.
  if (!integer.is_number_integer() || !range.contains(integer.get<double>())) {
    return std::nullopt;
  }
  return integer.get<int>();
}

std::optional<float> number_in(const Range<float>& range, const nlohmann::json& value) {
  if (!value.is_number() || !range.contains(value.get<double>())) {
    return std::nullopt;
  }
  // Rounding to float may lead to an excluded bound.
  const auto number = value.get<float>();
  return range.contains(number) ? std::optional(number) : std::nullopt;
}

int integer_of(const std::string& name, const nlohmann::json& value, const Range<int>& range) {
  const std::optional<int> integer = integer_in(range, value);
  if (!integer) {
    throw FieldError(name, "must be an integer " + text_of(range));
  }
  return *integer;
}

}  // namespace streamdiffusion
