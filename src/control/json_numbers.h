#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "settings/range.h"

namespace streamdiffusion {

/// Returns the double with the shortest decimal form that rounds to the same float: 0.7 instead of
/// 0.699999988.
double short_number(float number);

/// Converts a number such as 1.0 or 1e3, whose value is an integer, to a JSON integer. Returns other values
/// unchanged.
nlohmann::json as_integer(const nlohmann::json& value);

/// Returns the value as int; nothing unless it is an integer in the range.
std::optional<int> integer_in(const Range<int>& range, const nlohmann::json& value);

/// Returns the value as float; nothing unless it is a number in the range.
std::optional<float> number_in(const Range<float>& range, const nlohmann::json& value);

/// Returns the value as int. Throws FieldError, naming the field, unless it is an integer in the range.
int integer_of(const std::string& name, const nlohmann::json& value, const Range<int>& range);

}  // namespace streamdiffusion
