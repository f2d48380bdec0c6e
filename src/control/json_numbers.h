#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace streamdiffusion {

/// As short as it can be and still be the same float.
std::string text_of(float number);

/// 0.7, not the 0.699999988 that the float is.
double short_number(float number);

/// Throws FieldError, naming the field, where the value is no number from `low` to `high`.
float number_of(const char* name, const nlohmann::json& value, float low, float high);

}  // namespace streamdiffusion
