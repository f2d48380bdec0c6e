#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace streamdiffusion {

// Upper limits of a network's channels and of the layers per block, far above those of any existing model.
inline constexpr std::int64_t kMostChannels = 1 << 16;
inline constexpr std::int64_t kMostLayers = 64;

/// The fields of a JSON configuration, read one by one with a default for each absent one. `check_all_known`
/// throws Error if a field was never read: a configuration is understood completely or refused.
class ConfigFields {
 public:
  using json = nlohmann::json;

  /// `text` is the JSON; `where` begins error messages. Throws Error unless `text` is a JSON object.
  ConfigFields(const std::string& text, const std::string& where);

  /// True if the field is in the file, even as null.
  [[nodiscard]] bool has_field(const std::string& name) const { return fields_.contains(name); }
  /// True if the field is not in the file or is null.
  [[nodiscard]] bool is_absent(const std::string& name) const;
  /// Returns the value, null if it is absent, and marks the field as known.
  const json& take(const std::string& name);

  // Each function below returns `otherwise` if the field is absent or null, and throws Error for a value of
  // another type or out of range.
  std::int64_t integer(const std::string& name, std::int64_t otherwise, std::int64_t smallest,
                       std::int64_t largest);
  double number(const std::string& name, double otherwise);
  bool boolean(const std::string& name, bool otherwise);
  std::string text(const std::string& name, const std::string& otherwise);

  /// Returns a list of integers.
  std::vector<std::int64_t> integers(const std::string& name, const std::vector<std::int64_t>& otherwise,
                                     std::int64_t smallest, std::int64_t largest);
  /// Returns a list of numbers, empty if the field is absent.
  std::vector<double> numbers(const std::string& name);
  std::vector<std::string> texts(const std::string& name, const std::vector<std::string>& otherwise);
  /// Returns `count` integers: the field is a list with one for each block, or one integer for all blocks.
  std::vector<std::int64_t> integer_per_block(const std::string& name, std::int64_t otherwise,
                                              std::size_t count, std::int64_t largest);

  /// Throws Error for any value but `value`. An absent field is accepted and means `value`.
  void require_value(const std::string& name, const json& value);
  /// Throws Error if a field is anything but null, false, zero, empty or a list of these.
  void require_off(std::initializer_list<const char*> names);
  /// Marks fields as known whose values do not matter.
  void ignore(std::initializer_list<const char*> names);

  /// Returns fields that were not read, except names that begin with "_" and values that switch nothing on.
  [[nodiscard]] std::vector<std::string> unknown_fields() const;
  /// Throws Error if `unknown_fields` is not empty.
  void check_all_known() const;

  /// Throws Error about the field `name`; `what` continues the sentence.
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;
  /// Throws Error that this value is not supported, while `supported` is.
  [[noreturn]] void fail_unsupported(const std::string& name, const std::string& supported) const;

 private:
  [[nodiscard]] std::int64_t to_integer(const std::string& name, const json& value, std::int64_t smallest,
                                        std::int64_t largest) const;

  json fields_;
  std::string where_;
  std::set<std::string> known_;
};

/// Returns the field norm_num_groups. Throws Error unless it divides all `block_out_channels`.
std::int64_t read_norm_groups(ConfigFields& fields, const std::vector<std::int64_t>& block_out_channels);

}  // namespace streamdiffusion
