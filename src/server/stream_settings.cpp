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
#include "control/settings_schema.h"
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

using StreamSettingType = std::variant<TextType, FlagType, IntegerType, SideType, NameType, FitType>;

struct StreamSetting {
  std::string_view name;
  StreamSettingType type;
  std::string_view help;  ///< One line, without a full stop at its end.
};

constexpr StreamSetting kStreamSettings[] = {
    {"model", TextType{&StreamSettings::model}, "which network draws; loading one takes a moment"},
    {"width", SideType{&StreamSettings::width}, "width of the images that come out, in pixels"},
    {"height", SideType{&StreamSettings::height}, "height of the images that come out, in pixels"},
    {"frame_buffer", IntegerType{&StreamSettings::frame_buffer, {1, 16}},
     "frames that go through each step together: more throughput, more delay"},
    {"denoising_batch", FlagType{&StreamSettings::denoising_batch},
     "all steps of successive frames in one go: more frames a second, some steps later"},
    {"fit", FitType{}, "how an input of another aspect is brought into the size"},
    {"format", NameType{&StreamSettings::format, kFormatNames},
     "file format of the images that come out; png is exact and the largest"},
    {"quality", IntegerType{&StreamSettings::quality, {1, 100}},
     "quality of images in jpeg and webp: higher is crisper, lower is lighter on the network"},
};

/// Converts the type of a stream's setting to the one of the table of settings that permits the same values.
struct AsSettingType {
  int largest_side;

  SettingType operator()(const TextType& /*type*/) const { return TextSetting{}; }
  SettingType operator()(const FlagType& /*type*/) const { return FlagSetting{}; }
  SettingType operator()(const IntegerType& type) const {
    return IntegerSetting{.field = {}, .range = type.range};
  }
  SettingType operator()(const SideType& /*type*/) const {
    return IntegerSetting{.field = {}, .range = {kSmallestSide, largest_side}};
  }
  SettingType operator()(const NameType& type) const { return ChoiceSetting{.names = type.names}; }
  SettingType operator()(const FitType& /*type*/) const { return ChoiceSetting{.names = kFitNames}; }
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

Json stream_schema(const StreamSettings& defaults, int largest_side) {
  const Json values = to_json(defaults);
  Json schema = Json::object();
  for (const StreamSetting& setting : kStreamSettings) {
    const std::string name(setting.name);
    Json& entry = schema[name] = schema_of(std::visit(AsSettingType{largest_side}, setting.type));
    entry["default"] = values[name];
    entry["description"] = setting.help;
  }
  return schema;
}

}  // namespace streamdiffusion::server
