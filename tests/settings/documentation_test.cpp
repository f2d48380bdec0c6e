// Tests that the documentation has the names, ranges and defaults of the table of settings, and the page a
// control for each.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "control/json_numbers.h"
#include "control/settings_json.h"
#include "settings/setting.h"

namespace streamdiffusion {
namespace {

std::vector<std::string> lines_of(const char* page) {
  std::ifstream file(std::filesystem::path(PROJECT_FOLDER) / page);
  EXPECT_TRUE(file) << page;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// The cells of the row whose first cell names the setting.
std::vector<std::string> row_of(const std::vector<std::string>& lines, std::string_view setting) {
  for (const std::string& line : lines) {
    std::istringstream rest(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(rest, cell, '|');) {
      cells.push_back(cell);
    }
    if (cells.size() == 4 && cells[1].find("`" + std::string(setting) + "`") != std::string::npos) {
      return cells;
    }
  }
  return {};
}

/// The range of numbers of a setting, as the pages write it; empty if it has none.
struct WrittenRange {
  template <typename Type>
  std::string operator()(const Type& type) const {
    std::string text;
    if constexpr (requires { type.range; }) {
      text = text_of(type.range);
    } else if constexpr (requires { type.weight; }) {
      text = text_of(type.weight);
    } else if constexpr (requires { type.scale; }) {
      text = text_of(type.scale);
    }
    return text.starts_with("from ") ? text.substr(5) : text;
  }
};

TEST(ServerPage, HasEachSettingWithItsRangeAndDefault) {
  const std::vector<std::string> lines = lines_of("docs/server.md");
  const nlohmann::json defaults = to_json(Settings{});
  for (const Setting& setting : settings_table()) {
    SCOPED_TRACE(setting.name);
    const std::vector<std::string> row = row_of(lines, setting.name);
    ASSERT_EQ(row.size(), 4U);
    EXPECT_NE(row[2].find(std::visit(WrittenRange{}, setting.type)), std::string::npos) << row[2];
    if (!std::holds_alternative<LorasSetting>(setting.type)) {
      const nlohmann::json value = as_integer(defaults[std::string(setting.name)]);
      std::string shown = row[3].substr(1, row[3].size() - 2);
      std::erase(shown, '`');
      const auto* const text = value.get_ptr<const std::string*>();
      EXPECT_EQ(shown, text != nullptr && !text->empty() ? *text : value.dump());
    }
  }
}

TEST(OpenApi, HasTheRangesOfTheTable) {
  int found = 0;
  for (const std::string& line : lines_of("docs/openapi.yaml")) {
    const std::string name =
        line.substr(0, line.find(':')).substr(std::min(line.find_first_not_of(' '), line.size()));
    const Setting* const setting = find_setting(name);
    if (setting == nullptr) {
      continue;
    }
    SCOPED_TRACE(line);
    if (const auto* const integer = std::get_if<IntegerSetting>(&setting->type)) {
      EXPECT_NE(line.find("type: integer, minimum: " + text_of(integer->range.low) +
                          ", maximum: " + text_of(integer->range.high)),
                std::string::npos);
      ++found;
    } else if (const auto* const number = std::get_if<NumberSetting>(&setting->type)) {
      const std::string low = number->range.excludes_low ? "exclusiveMinimum: " : "minimum: ";
      EXPECT_NE(line.find("type: number, " + low + text_of(number->range.low) +
                          ", maximum: " + text_of(number->range.high)),
                std::string::npos);
      ++found;
    }
  }
  EXPECT_GE(found, 4);
}

TEST(Page, HasAControlForEachSetting) {
  // The page has inputs of their own for these.
  std::set<std::string_view> missing = {"prompt", "prompts", "prompt_blend", "seeds", "loras"};
  const std::set<std::string_view> elsewhere = missing;
  for (const Setting& setting : settings_table()) {
    missing.insert(setting.name);
  }
  for (const std::string& line : lines_of("web/js/controls/definitions.js")) {
    std::smatch field;
    if (!std::regex_search(line, field, std::regex("field: \"([a-z_]+)\", scope: \"settings\""))) {
      continue;
    }
    SCOPED_TRACE(line);
    const Setting* const setting = find_setting(field[1].str());
    ASSERT_NE(setting, nullptr);
    missing.erase(setting->name);
  }
  EXPECT_EQ(missing, elsewhere);
}

}  // namespace
}  // namespace streamdiffusion
