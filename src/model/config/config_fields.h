#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace streamdiffusion {

// Bounds of what networks are made with, far above those of any that exist.
inline constexpr std::int64_t kMostChannels = 1 << 16;
inline constexpr std::int64_t kMostLayers = 64;

/// The fields of a JSON configuration, taken one by one with a default for those that are absent. What is
/// left in the end is unknown, and an Error: a configuration is understood wholly or refused.
class ConfigFields {
 public:
  using json = nlohmann::json;

  ConfigFields(const std::string& text, const std::string& where);

  /// In the file, perhaps as null.
  [[nodiscard]] bool given(const std::string& name) const { return fields_.contains(name); }
  /// Not in the file, or null.
  [[nodiscard]] bool absent(const std::string& name) const;
  /// The value, or null where it is absent; the field counts as known from now on.
  const json& take(const std::string& name);

  std::int64_t integer(const std::string& name, std::int64_t otherwise, std::int64_t smallest,
                       std::int64_t largest);
  double number(const std::string& name, double otherwise);
  bool boolean(const std::string& name, bool otherwise);
  std::string text(const std::string& name, const std::string& otherwise);

  /// A list of integers.
  std::vector<std::int64_t> integers(const std::string& name, const std::vector<std::int64_t>& otherwise,
                                     std::int64_t smallest, std::int64_t largest);
  std::vector<double> numbers(const std::string& name);
  std::vector<std::string> texts(const std::string& name, const std::vector<std::string>& otherwise);
  /// One integer for all of `count` blocks, or a list with one for each.
  std::vector<std::int64_t> integer_per_block(const std::string& name, std::int64_t otherwise,
                                              std::size_t count, std::int64_t largest);

  /// This program computes only what `value` means, which is also what an absent field means.
  void only(const std::string& name, const json& value);
  /// For fields that are fine as null, false, zero, or a list of these.
  void off(std::initializer_list<const char*> names);
  /// Fields that change nothing here.
  void ignore(std::initializer_list<const char*> names);

  /// Fields that were not taken, except those whose names begin with "_" or whose values say "off".
  [[nodiscard]] std::vector<std::string> unknown() const;
  /// Throws Error where there is one.
  void finish() const;

  /// Throws Error about a field.
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;
  /// Throws Error: the value of this field is not supported, `supported` is.
  [[noreturn]] void unsupported(const std::string& name, const std::string& supported) const;

 private:
  [[nodiscard]] std::int64_t to_integer(const std::string& name, const json& value, std::int64_t smallest,
                                        std::int64_t largest) const;

  json fields_;
  std::string where_;
  std::set<std::string> known_;
};

}  // namespace streamdiffusion
