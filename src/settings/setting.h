#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "settings/range.h"
#include "settings/settings.h"

namespace streamdiffusion {

inline constexpr std::size_t kLongestPrompt = Parameters::kLongestText;

/// Gives access to one field of Settings.
template <typename T>
struct SettingField {
  T& (*field)(Settings&);
  const T& (*const_field)(const Settings&);

  T& operator()(Settings& settings) const { return field(settings); }
  const T& operator()(const Settings& settings) const { return const_field(settings); }
};

/// Returns the SettingField that the member pointers lead to: field<&Settings::parameters,
/// &Parameters::delta>().
template <auto... Members>
constexpr auto field() {
  using T = std::remove_cvref_t<decltype((std::declval<Settings&>().*....*Members))>;
  return SettingField<T>{
      .field = [](Settings& settings) -> T& { return (settings.*....*Members); },
      .const_field = [](const Settings& settings) -> const T& { return (settings.*....*Members); }};
}

// The types of settings: each has a field and the values that it may have.

struct FlagSetting {
  SettingField<bool> field;
  std::string_view
      off_option;  ///< Command-line option that turns the flag off; empty if it is off by default.
};

struct IntegerSetting {
  SettingField<int> field;
  Range<int> range;
};

struct NumberSetting {
  SettingField<float> field;
  Range<float> range;
};

/// A number that may be missing.
struct OptionalNumberSetting {
  SettingField<std::optional<float>> field;
  Range<float> range;
};

/// A text of at most kLongestPrompt bytes.
struct TextSetting {
  SettingField<std::string> field;
};

/// One of several names.
struct ChoiceSetting {
  std::span<const std::string_view> names;
  std::string (*get)(const Settings&) = nullptr;
  void (*set)(Settings&, const std::string&) = nullptr;  ///< Throws Error for another name.
};

/// The prompt, of at most kLongestPrompt bytes. It takes the place of `prompts`, which a change of it clears.
struct PromptSetting {};

/// The blended prompts, each of at most kLongestPrompt bytes.
struct PromptsSetting {
  std::size_t most;
  Range<float> weight;
};

/// The seed, any number of 64 bits; -1 draws one. It takes the place of `seeds`, which a change of it clears.
struct SeedSetting {};

/// The blended seeds.
struct SeedsSetting {
  std::size_t most;
  Range<float> weight;
};

/// The denoising steps, as strictly increasing indices into the schedule.
struct IndicesSetting {
  Range<int> range;
};

/// The scales of the LoRAs that the model was loaded with.
struct LorasSetting {
  Range<float> scale;
};

using SettingType = std::variant<FlagSetting, IntegerSetting, NumberSetting, OptionalNumberSetting,
                                 TextSetting, ChoiceSetting, PromptSetting, PromptsSetting, SeedSetting,
                                 SeedsSetting, IndicesSetting, LorasSetting>;

/// The options among which --help of the command line lists a setting.
enum class SettingGroup { image, blending, denoising, guidance, stream };

/// One setting: an entry of the table that the command line, JSON, the C API and the page are made of.
struct Setting {
  std::string_view name;  ///< As in JSON. The command line has hyphens in place of underscores.
  SettingGroup group;
  SettingType type;
  std::string_view unit = {};  ///< "seconds", or empty.
  std::string_view help;       ///< One line, without a full stop at its end.
};

/// Returns all settings.
std::span<const Setting> settings_table();

/// Returns the setting of that name; nullptr if there is none.
const Setting* find_setting(std::string_view name);

/// Describes the permitted values of a type of setting: "an integer from 1 to 1000".
std::string permitted_values(const SettingType& type);

/// Throws Error, which names the setting, its value and the permitted values, if a value is out of range.
/// Checks each setting for itself.
void check_ranges(const Settings& settings);

}  // namespace streamdiffusion
