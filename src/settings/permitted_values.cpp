// The permitted values of settings, in words and as checks.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>

#include "settings/setting.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// Describes the permitted values of each type of setting.
struct Description {
  std::string operator()(const FlagSetting& /*type*/) const { return "true or false"; }
  std::string operator()(const IntegerSetting& type) const { return "an integer " + text_of(type.range); }
  std::string operator()(const NumberSetting& type) const { return "a number " + text_of(type.range); }
  std::string operator()(const OptionalNumberSetting& type) const {
    return "a number " + text_of(type.range);
  }
  std::string operator()(const TextSetting& /*type*/) const { return "a " + text(); }
  std::string operator()(const ChoiceSetting& type) const {
    std::string all;
    for (const std::string_view& name : type.names) {
      const bool is_last = &name == &type.names.back();
      all += (all.empty() ? "" : is_last ? " or " : ", ") + std::string(name);
    }
    return all;
  }
  std::string operator()(const PromptSetting& /*type*/) const { return "a " + text(); }
  std::string operator()(const PromptsSetting& type) const {
    return "a list of at most " + std::to_string(type.most) + " prompts, each a " + text() +
           " with a weight " + text_of(type.weight);
  }
  std::string operator()(const SeedSetting& /*type*/) const { return seed() + ", or -1 for a random one"; }
  std::string operator()(const SeedsSetting& type) const {
    return "a list of at most " + std::to_string(type.most) + " seeds, each with a weight " +
           text_of(type.weight);
  }
  std::string operator()(const IndicesSetting& type) const {
    return "a list of integers " + text_of(type.range);
  }
  std::string operator()(const LorasSetting& type) const {
    return "LoRAs, each with a scale " + text_of(type.scale);
  }

 private:
  static std::string text() { return "text of at most " + std::to_string(kLongestPrompt) + " bytes"; }
  static std::string seed() {
    return "an integer from 0 to " + std::to_string(std::numeric_limits<std::uint64_t>::max());
  }
};

/// Throws Error if the value of a setting is out of range.
class Check {
 public:
  Check(const Setting& setting, const Settings& settings) : setting_(setting), settings_(settings) {}

  void operator()(const FlagSetting& /*type*/) const {}
  void operator()(const ChoiceSetting& /*type*/) const {}
  void operator()(const SeedSetting& /*type*/) const {}
  void operator()(const IntegerSetting& type) const { check("is ", type.field(settings_), type.range); }
  void operator()(const NumberSetting& type) const { check("is ", type.field(settings_), type.range); }
  void operator()(const OptionalNumberSetting& type) const {
    if (const std::optional<float> number = type.field(settings_)) {
      check("is ", *number, type.range);
    }
  }
  void operator()(const TextSetting& type) const { check_text(type.field(settings_)); }
  void operator()(const PromptSetting& /*type*/) const { check_text(parameters_.prompt); }
  void operator()(const PromptsSetting& type) const {
    check_length(parameters_.prompts.size(), type.most);
    for (const WeightedPrompt& prompt : parameters_.prompts) {
      check_text(prompt.text);
      check("has the weight ", prompt.weight, type.weight);
    }
  }
  void operator()(const SeedsSetting& type) const {
    check_length(parameters_.seeds.size(), type.most);
    for (const WeightedSeed& seed : parameters_.seeds) {
      check("has the weight ", seed.weight, type.weight);
    }
  }
  void operator()(const IndicesSetting& type) const {
    for (const int index : parameters_.t_index_list) {
      check("has ", index, type.range);
    }
  }
  void operator()(const LorasSetting& type) const {
    for (const LoraScale& lora : parameters_.lora_scales) {
      check("has \"" + lora.name + "\" with the scale ", lora.scale, type.scale);
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& what_it_is) const {
    throw ArgumentError(std::string(setting_.name) + " " + what_it_is + ", must be " +
                        permitted_values(setting_.type));
  }

  template <typename Number>
  void check(const std::string& what, Number number, const Range<Number>& range) const {
    if (!range.contains(number)) {
      refuse(what + text_of(number));
    }
  }

  void check_text(const std::string& text) const {
    if (text.size() > kLongestPrompt) {
      refuse("has a text of " + std::to_string(text.size()) + " bytes");
    }
  }

  void check_length(std::size_t length, std::size_t most) const {
    if (length > most) {
      refuse("has " + std::to_string(length) + " items");
    }
  }

  const Setting& setting_;
  const Settings& settings_;
  const Parameters& parameters_ = settings_.parameters;
};

}  // namespace

std::string permitted_values(const SettingType& type) { return std::visit(Description{}, type); }

void check_ranges(const Settings& settings) {
  for (const Setting& setting : settings_table()) {
    std::visit(Check(setting, settings), setting.type);
  }
}

}  // namespace streamdiffusion
