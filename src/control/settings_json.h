#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "control/settings.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

inline constexpr std::size_t kLongestPrompt = 10000;  ///< bytes; a prompt of 77 tokens has some 400

/// A field of a JSON object is wrong; the message says what it may be.
class FieldError : public Error {
 public:
  FieldError(std::string field, const std::string& message)
      : Error("\"" + field + "\" " + message), field_(std::move(field)) {}
  [[nodiscard]] const std::string& field() const { return field_; }

 private:
  std::string field_;
};

/// Applies the fields of a JSON object, named as in Settings; those not given stay as they are. `loras` is an
/// object from name to scale, and changes those it names. `seed` -1 draws one. `prompt` and `seed` empty
/// `prompts` and `seeds`, which stand in their place where not empty. Throws FieldError where a field is
/// unknown, of another type or out of range, and leaves `settings` as it was.
void apply_json(const nlohmann::json& fields, Settings& settings);

/// All fields, as apply_json takes them.
nlohmann::json to_json(const Settings& settings);

}  // namespace streamdiffusion
