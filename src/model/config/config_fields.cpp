#include "model/config/config_fields.h"

#include <algorithm>
#include <cmath>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

/// True if a value switches nothing on: null, false, zero, an empty text or list, or a list of these.
bool says_off(const json& value) {
  if (value.is_array() || value.is_object()) {
    return std::ranges::all_of(value, says_off);
  }
  return value.is_null() || value == json(false) || (value.is_number() && value == json(0)) ||
         value == json("");
}

}  // namespace

ConfigFields::ConfigFields(const std::string& text, const std::string& where)
    : fields_(parse_json_object(text, where)), where_(where) {}

bool ConfigFields::is_absent(const std::string& name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() || found->is_null();
}

const json& ConfigFields::take(const std::string& name) {
  static const json kNull;
  known_.insert(name);
  const auto found = fields_.find(name);
  return found == fields_.end() ? kNull : *found;
}

std::int64_t ConfigFields::integer(const std::string& name, std::int64_t otherwise, std::int64_t smallest,
                                   std::int64_t largest) {
  const json& value = take(name);
  return value.is_null() ? otherwise : to_integer(name, value, smallest, largest);
}

double ConfigFields::number(const std::string& name, double otherwise) {
  const json& value = take(name);
  if (value.is_null()) {
    return otherwise;
  }
  if (!value.is_number()) {
    fail(name, "must be a number, not " + show_json(value));
  }
  return value.get<double>();
}

bool ConfigFields::boolean(const std::string& name, bool otherwise) {
  const json& value = take(name);
  if (value.is_null()) {
    return otherwise;
  }
  if (!value.is_boolean()) {
    fail(name, "must be true or false, not " + show_json(value));
  }
  return value.get<bool>();
}

std::string ConfigFields::text(const std::string& name, const std::string& otherwise) {
  const json& value = take(name);
  if (value.is_null()) {
    return otherwise;
  }
  if (!value.is_string()) {
    fail(name, "must be a text, not " + show_json(value));
  }
  return value.get<std::string>();
}

std::vector<std::int64_t> ConfigFields::integers(const std::string& name,
                                                 const std::vector<std::int64_t>& otherwise,
                                                 std::int64_t smallest, std::int64_t largest) {
  const json& values = take(name);
  if (values.is_null()) {
    return otherwise;
  }
  if (!values.is_array()) {
    fail(name, "must be a list, not " + show_json(values));
  }
  std::vector<std::int64_t> result;
  for (const json& value : values) {
    result.push_back(to_integer(name, value, smallest, largest));
  }
  return result;
}

std::vector<double> ConfigFields::numbers(const std::string& name) {
  const json& values = take(name);
  if (values.is_null()) {
    return {};
  }
  if (!values.is_array() ||
      !std::ranges::all_of(values, [](const json& value) { return value.is_number(); })) {
    fail(name, "must be a list of numbers, not " + show_json(values));
  }
  return values.get<std::vector<double>>();
}

std::vector<std::string> ConfigFields::texts(const std::string& name,
                                             const std::vector<std::string>& otherwise) {
  const json& values = take(name);
  if (values.is_null()) {
    return otherwise;
  }
  if (!values.is_array() ||
      !std::ranges::all_of(values, [](const json& value) { return value.is_string(); })) {
    fail(name, "must be a list of texts, not " + show_json(values));
  }
  return values.get<std::vector<std::string>>();
}

std::vector<std::int64_t> ConfigFields::integer_per_block(const std::string& name, std::int64_t otherwise,
                                                          std::size_t count, std::int64_t largest) {
  if (is_absent(name) || !take(name).is_array()) {
    return std::vector<std::int64_t>(count, integer(name, otherwise, 1, largest));
  }
  std::vector<std::int64_t> values = integers(name, {}, 1, largest);
  if (values.size() != count) {
    fail(name, "must have one entry for each of " + std::to_string(count) + " blocks, not " +
                   show_json(take(name)));
  }
  return values;
}

void ConfigFields::require_value(const std::string& name, const json& value) {
  const json& given = take(name);
  if (!given.is_null() && given != value) {
    fail_unsupported(name, show_json(value));
  }
}

void ConfigFields::require_off(std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    if (!says_off(take(name))) {
      fail_unsupported(name, "null");
    }
  }
}

void ConfigFields::ignore(std::initializer_list<const char*> names) {
  known_.insert(names.begin(), names.end());
}

std::vector<std::string> ConfigFields::unknown_fields() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields_.items()) {
    if (!known_.contains(name) && !name.starts_with('_') && !says_off(value)) {
      names.push_back(name);
    }
  }
  return names;
}

void ConfigFields::check_all_known() const {
  for (const std::string& name : unknown_fields()) {
    fail(name, "is not known, so " + show_json(fields_.at(name)) + " might mean another image");
  }
}

void ConfigFields::fail(const std::string& name, const std::string& what) const {
  throw FileError(where_ + ": field " + show_json(name) + " " + what);
}

void ConfigFields::fail_unsupported(const std::string& name, const std::string& supported) const {
  fail(name, "is " + show_json(fields_.at(name)) + ", which is not supported; only " + supported + " is");
}

std::int64_t ConfigFields::to_integer(const std::string& name, const json& value, std::int64_t smallest,
                                      std::int64_t largest) const {
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  // The comparison is false for NaN.
  const bool fits = number >= static_cast<double>(smallest) && number <= static_cast<double>(largest);
  if (!fits || number != std::floor(number)) {
    fail(name, "must be an integer from " + std::to_string(smallest) + " to " + std::to_string(largest) +
                   ", not " + show_json(value));
  }
  return static_cast<std::int64_t>(number);
}

std::int64_t read_norm_groups(ConfigFields& fields, const std::vector<std::int64_t>& block_out_channels) {
  const std::int64_t groups = fields.integer("norm_num_groups", 32, 1, kMostChannels);
  for (const std::int64_t channels : block_out_channels) {
    if (channels % groups != 0) {
      fields.fail("norm_num_groups", "must divide block_out_channels; " + std::to_string(groups) +
                                         " does not divide " + std::to_string(channels));
    }
  }
  return groups;
}

}  // namespace streamdiffusion
