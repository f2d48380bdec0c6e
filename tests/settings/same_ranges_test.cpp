// Tests that the command line, JSON and the library take the same values of each setting.

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "cli/setting_options.h"
#include "control/settings_json.h"
#include "control/settings_text.h"
#include "settings/setting.h"
#include "stream/tiny_model.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// A value of a setting.
struct Trial {
  std::string text;
  void (*set)(const Setting&, const std::string&, Settings&);
  bool is_permitted;
};

template <typename Type>
void set_number(const Setting& setting, const std::string& text, Settings& settings) {
  const double number = std::stod(text);
  auto& field = std::get<Type>(setting.type).field(settings);
  field = static_cast<decltype(Range{std::get<Type>(setting.type).range}.low)>(number);
}

float above(float number) { return std::nextafter(number, HUGE_VALF); }
float below(float number) { return std::nextafter(number, -HUGE_VALF); }
int above(int number) { return number + 1; }
int below(int number) { return number - 1; }

/// The extreme permitted values of a setting and their neighbours that are not permitted.
struct Trials {
  template <typename Type>
  std::vector<Trial> operator()(const Type& type) const {
    if constexpr (requires {
                    type.range.low;
                    type.field;
                  }) {
      const auto& [low, high, excludes_low] = type.range;
      return {{text_of(excludes_low ? above(low) : low), set_number<Type>, true},
              {text_of(high), set_number<Type>, true},
              {text_of(excludes_low ? low : below(low)), set_number<Type>, false},
              {text_of(above(high)), set_number<Type>, false}};
    }
    return {};
  }
};

/// The command line's error; empty if it takes the value.
std::string command_line_error(const Setting& setting, const Trial& trial) {
  CLI::App app;
  Settings settings;
  for (const SettingGroup group : {SettingGroup::image, SettingGroup::blending, SettingGroup::denoising,
                                   SettingGroup::guidance, SettingGroup::stream}) {
    cli::add_setting_options(app, group, settings);
  }
  std::string option = "--" + std::string(setting.name);
  std::ranges::replace(option, '_', '-');
  try {
    app.parse(option + "=" + trial.text, false);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  Settings expected;
  trial.set(setting, trial.text, expected);
  EXPECT_EQ(settings, expected) << setting.name << " " << trial.text;
  return "";
}

std::string json_error(const Setting& setting, const Trial& trial) {
  Settings settings{.strength = 1, .steps = 1};
  settings.parameters.num_inference_steps = 1000;
  Settings expected = settings;
  try {
    apply_json({{std::string(setting.name), value_of_text(setting, trial.text)}}, settings);
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), setting.name);
    return error.what();
  }
  trial.set(setting, trial.text, expected);
  EXPECT_EQ(settings, expected) << setting.name << " " << trial.text;
  return "";
}

std::string library_error(Stream& stream, const Setting& setting, const Trial& trial) {
  Settings settings{.strength = 1, .steps = 1};
  trial.set(setting, trial.text, settings);
  try {
    stream.set_parameters(make_parameters(settings));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SameRanges, OnTheCommandLineInJsonAndInTheLibrary) {
  Stream stream(tests::load_tiny_model(), tests::make_options(), tests::make_parameters());
  int tried = 0;
  for (const Setting& setting : settings_table()) {
    const std::string permitted = permitted_values(setting.type);
    for (const Trial& trial : std::visit(Trials{}, setting.type)) {
      SCOPED_TRACE(std::string(setting.name) + " " + trial.text);
      const std::string command_line = command_line_error(setting, trial);
      const std::string json = json_error(setting, trial);
      const std::string library = library_error(stream, setting, trial);
      if (trial.is_permitted) {
        EXPECT_EQ(command_line, "");
        EXPECT_EQ(json, "");
        // The model may still refuse a value that another model takes.
        EXPECT_EQ(library.find("must be " + permitted), std::string::npos) << library;
      } else {
        EXPECT_NE(command_line.find("is not " + permitted), std::string::npos) << command_line;
        EXPECT_NE(json.find("must be " + permitted), std::string::npos) << json;
        EXPECT_NE(library.find(std::string(setting.name) + " is "), std::string::npos) << library;
        EXPECT_NE(library.find("must be " + permitted), std::string::npos) << library;
      }
      ++tried;
    }
  }
  EXPECT_GE(tried, 4 * 10) << "settings that are numbers";
}

TEST(SameRanges, ChoicesHaveTheSameNames) {
  for (const Setting& setting : settings_table()) {
    if (const auto* const choice = std::get_if<ChoiceSetting>(&setting.type)) {
      for (const std::string_view& name : choice->names) {
        Settings settings;
        choice->set(settings, std::string(name));
        EXPECT_EQ(choice->get(settings), name);
        const Trial trial{std::string(name),
                          [](const Setting& known, const std::string& text, Settings& changed) {
                            std::get<ChoiceSetting>(known.type).set(changed, text);
                          },
                          true};
        EXPECT_EQ(command_line_error(setting, trial), "");
        EXPECT_EQ(json_error(setting, trial), "");
      }
    }
  }
}

}  // namespace
}  // namespace streamdiffusion
