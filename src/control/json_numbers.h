#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace streamdiffusion {

/// As short as it can be and still be the same float.
std::string text_of(float number);

/// 0.7, not the 0.699999988 that the float is.
double short_number(float number);

/// The value as an integer where it is a whole number that is written otherwise, as 1.0 or 1e3; else as it
/// is.
nlohmann::json as_integer(const nlohmann::json& value);

/// Throws FieldError, naming the field, where the value is no whole number from `low` to `high`.
int integer_of(const std::string& name, const nlohmann::json& value, int low, int high);

/// Throws FieldError, naming the field, where the value is no number from `low` to `high`.
float number_of(const char* name, const nlohmann::json& value, float low, float high);

}  // namespace streamdiffusion
