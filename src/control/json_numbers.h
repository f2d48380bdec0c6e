#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace streamdiffusion {

/// Returns the shortest text that parses to the same float.
std::string text_of(float number);

/// Returns the double with the shortest decimal form that rounds to the same float: 0.7 instead of
/// 0.699999988.
double short_number(float number);

/// Converts a number such as 1.0 or 1e3, whose value is an integer, to a JSON integer. Returns other values
/// unchanged.
nlohmann::json as_integer(const nlohmann::json& value);

/// Returns the value as int. Throws FieldError, naming the field, unless it is an integer from `low` to
/// `high`.
int integer_of(const std::string& name, const nlohmann::json& value, int low, int high);

/// Returns the value as float. Throws FieldError, naming the field, unless it is a number from `low` to
/// `high`.
float number_of(const char* name, const nlohmann::json& value, float low, float high);

}  // namespace streamdiffusion
