#include "server/stream_settings.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "control/blends_json.h"
#include "control/json_numbers.h"
#include "control/settings_json.h"
#include "settings/setting.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr int kSmallestSide = 8;
constexpr std::array<std::string_view, 3> kFormatNames = {"jpeg", "webp", "png"};

// The types of a stream's settings: each has a field and the values that it may have.

struct TextType {
  std::string StreamSettings::*field;
};

struct FlagType {
  bool StreamSettings::*field;
};

struct IntegerType {
  int StreamSettings::*field;
  Range<int> range;
};

/// A width or height, from kSmallestSide to the largest side that the server permits.
struct SideType {
  int StreamSettings::*field;
};

/// One of several names.
struct NameType {
  std::string StreamSettings::*field;
  std::span<const std::string_view> names;
};

/// The field `fit`, one of kFitNames.
struct FitType {};

struct StreamSetting {
  std::string_view name;
  std::variant<TextType, FlagType, IntegerType, SideType, NameType, FitType> type;
};

constexpr StreamSetting kStreamSettings[] = {
    {"model", TextType{&StreamSettings::model}},
    {"width", SideType{&StreamSettings::width}},
    {"height", SideType{&StreamSettings::height}},
    {"frame_buffer", IntegerType{&StreamSettings::frame_buffer, {1, 16}}},
    {"denoising_batch", FlagType{&StreamSettings::denoising_batch}},
    {"fit", FitType{}},
    {"format", NameType{&StreamSettings::format, kFormatNames}},
    {"quality", IntegerType{&StreamSettings::quality, {1, 100}}},
};

/// Sets a setting to a JSON value. Throws FieldError for a value that is not permitted.
class SettingReader {
 public:
  SettingReader(const std::string& name, const Json& value, int largest_side, StreamSettings& settings)
      : name_(name), value_(value), largest_side_(largest_side), settings_(settings) {}

  void operator()(const TextType& type) const { settings_.*type.field = read_text(name_, value_); }
  void operator()(const FlagType& type) const {
    require(value_.is_boolean(), FlagSetting{});
    settings_.*type.field = value_.get<bool>();
  }
  void operator()(const IntegerType& type) const {
    settings_.*type.field = integer_of(name_, value_, type.range);
  }
  void operator()(const SideType& type) const {
    settings_.*type.field = integer_of(name_, value_, {kSmallestSide, largest_side_});
  }
  void operator()(const NameType& type) const { settings_.*type.field = name_among(type.names); }
  void operator()(const FitType& /*type*/) const { settings_.fit = parse_fit(name_among(kFitNames)); }

 private:
  void require(bool is_permitted, const SettingType& type) const {
    if (!is_permitted) {
      throw FieldError(name_, "must be " + permitted_values(type));
    }
  }

  [[nodiscard]] std::string name_among(std::span<const std::string_view> names) const {
    require(
        value_.is_string() && std::ranges::find(names, value_.get_ref<const std::string&>()) != names.end(),
        ChoiceSetting{.names = names});
    return value_.get<std::string>();
  }

  const std::string& name_;
  const Json& value_;
  int largest_side_;
  StreamSettings& settings_;
};

/// Returns the value of a setting as JSON.
struct SettingWriter {
  const StreamSettings& settings;

  Json operator()(const auto& type) const { return settings.*type.field; }
  Json operator()(const FitType& /*type*/) const {
    return kFitNames.at(static_cast<std::size_t>(settings.fit));
  }
};

}  // namespace

void apply_json(const Json& fields, int largest_side, StreamSettings& settings) {
  if (!fields.is_object()) {
    throw FieldError("stream", "must be a JSON object");
  }
  StreamSettings changed = settings;
  for (const auto& [name, value] : fields.items()) {
    const auto* const setting = std::ranges::find(kStreamSettings, name, &StreamSetting::name);
    if (setting == std::end(kStreamSettings)) {
      throw FieldError(name, "is no setting of a stream");
    }
    std::visit(SettingReader(name, value, largest_side, changed), setting->type);
  }
  settings = std::move(changed);
}

Json to_json(const StreamSettings& settings) {
  Json json = Json::object();
  for (const StreamSetting& setting : kStreamSettings) {
    json[std::string(setting.name)] = std::visit(SettingWriter{settings}, setting.type);
  }
  return json;
}

}  // namespace streamdiffusion::server
