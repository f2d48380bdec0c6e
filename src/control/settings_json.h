#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "settings/settings.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

/// Thrown for a wrong field of a JSON object. The message states the permitted values.
class FieldError : public ArgumentError {
 public:
  FieldError(std::string field, const std::string& message)
      : ArgumentError("\"" + field + "\" " + message), field_(std::move(field)) {}
  [[nodiscard]] const std::string& field() const { return field_; }

 private:
  std::string field_;
};

/// Applies the fields of a JSON object, named as in the table of settings. Fields that are not given keep
/// their values.
///
/// `loras` is an object from name to scale and changes the named LoRAs. `seed` -1 draws a random seed.
/// `prompt` clears `prompts`, and `seed` clears `seeds`. Throws FieldError, and leaves `settings` as it was,
/// if a field is unknown, has the wrong type or is out of range.
void apply_json(const nlohmann::json& fields, Settings& settings);

/// Returns all settings as an object that apply_json accepts.
nlohmann::json to_json(const Settings& settings);

}  // namespace streamdiffusion
