#include "cli/setting_options.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/checks.h"

namespace streamdiffusion::cli {
namespace {

std::string with_hyphens(std::string_view name) {
  std::string hyphenated(name);
  std::ranges::replace(hyphenated, '_', '-');
  return hyphenated;
}

/// Names the option of each type of setting.
struct OptionName {
  std::string_view setting;

  template <typename Type>
  std::string operator()(const Type& /*type*/) const {
    return with_hyphens(setting);
  }
  std::string operator()(const FlagSetting& type) const {
    return type.off_option.empty() ? with_hyphens(setting) : std::string(type.off_option);
  }
  std::string operator()(const PromptsSetting& /*type*/) const { return "prompt"; }
  std::string operator()(const SeedsSetting& /*type*/) const { return "seed"; }
};

/// Adds the option of one setting.
class Adder {
 public:
  Adder(CLI::App& app, const Setting& setting, Settings& settings)
      : app_(app), setting_(setting), settings_(settings) {}

  void operator()(const FlagSetting& type) const {
    const bool is_off = !type.off_option.empty();
    bool& flag = type.field(settings_);
    app_.add_flag_function(
        dashed_name(), [&flag, is_off](std::int64_t count) { flag = (count > 0) != is_off; },
        (is_off ? "do not " : "") + help());
  }
  void operator()(const IntegerSetting& type) const {
    add(type.field(settings_))->type_name("N")->check(in_range(type.range))->capture_default_str();
  }
  void operator()(const NumberSetting& type) const {
    add(type.field(settings_))
        ->type_name(type_name(type.range))
        ->check(in_range(type.range))
        ->capture_default_str();
  }
  void operator()(const OptionalNumberSetting& type) const {
    add(type.field(settings_))
        ->type_name(type_name(type.range))
        ->check(in_range(type.range))
        ->default_str("none");
  }
  void operator()(const TextSetting& type) const {
    add(type.field(settings_))->type_name("TEXT")->default_str("\"\"");
  }
  void operator()(const ChoiceSetting& type) const {
    const auto set = [set = type.set, &settings = settings_](const std::string& name) {
      set(settings, name);
    };
    const std::vector<std::string> names(type.names.begin(), type.names.end());
    app_.add_option_function<std::string>(dashed_name(), set, help())
        ->type_name(CLI::detail::join(names, "|"))
        ->check(one_of(names))
        ->default_str(type.get(settings_));
  }
  void operator()(const PromptSetting& /*type*/) const {}
  void operator()(const PromptsSetting& /*type*/) const {}
  void operator()(const SeedSetting& /*type*/) const {}
  void operator()(const SeedsSetting& /*type*/) const {}
  void operator()(const IndicesSetting& /*type*/) const {}
  void operator()(const LorasSetting& /*type*/) const {}

 private:
  [[nodiscard]] std::string dashed_name() const { return "--" + option_name(setting_); }
  [[nodiscard]] std::string help() const { return std::string(setting_.help); }

  template <typename T>
  CLI::Option* add(T& value) const {
    return app_.add_option(dashed_name(), value, help());
  }

  [[nodiscard]] std::string type_name(const Range<float>& range) const {
    if (!setting_.unit.empty()) {
      std::string unit(setting_.unit);
      std::ranges::transform(unit, unit.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
      return unit;
    }
    return range.low == 0 && range.high == 1 ? "0..1" : "X";
  }

  CLI::App& app_;
  const Setting& setting_;
  Settings& settings_;
};

}  // namespace

void add_setting_options(CLI::App& app, SettingGroup group, Settings& settings) {
  for (const Setting& setting : settings_table()) {
    if (setting.group == group) {
      std::visit(Adder(app, setting, settings), setting.type);
    }
  }
}

std::string option_name(const Setting& setting) { return std::visit(OptionName{setting.name}, setting.type); }

std::string help_of(std::string_view setting) { return std::string(find_setting(setting)->help); }

}  // namespace streamdiffusion::cli
