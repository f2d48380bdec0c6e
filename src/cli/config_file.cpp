#include "cli/config_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "control/json_numbers.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {
namespace {

using nlohmann::json;

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || std::filesystem::is_directory(file) || !(text << in.rdbuf())) {
    throw Error("cannot read the options file " + file.string());
  }
  return text.str();
}

json parse(const std::filesystem::path& file) {
  json options;
  try {
    options = json::parse(read_file(file));
  } catch (const json::exception& error) {
    throw Error(file.string() + " is not valid JSON: " + error.what());
  }
  if (!options.is_object()) {
    throw Error(file.string() + " must hold a JSON object of options, such as {\"steps\": 2}");
  }
  return options;
}

/// The option of that name. Returns nullptr if there is none, and for --config and --help.
CLI::Option* find_option(CLI::App& app, const std::string& key) {
  if (key == "config" || key == "help") {
    return nullptr;
  }
  return app.get_option_no_throw("--" + key);
}

std::string text_of(const json& value, const std::string& where) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_number() || value.is_boolean()) {
    return as_integer(value).dump();  // Integer options do not accept "2.0".
  }
  throw Error(where + " must be a string, a number, true, false or a list of them");
}

/// Converts a JSON value to arguments. A list becomes several arguments if the option may repeat, else one
/// with commas.
std::vector<std::string> values_of(const json& value, const CLI::Option& option, const std::string& where) {
  const bool is_flag = option.get_items_expected_max() == 0;
  if (is_flag != value.is_boolean()) {
    throw Error(where + (is_flag ? " must be true or false" : " must be a value, not true or false"));
  }
  if (!value.is_array()) {
    return {text_of(value, where)};
  }
  std::vector<std::string> values;
  for (const json& item : value) {
    values.push_back(text_of(item, where));
  }
  if (option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll) {
    return values;
  }
  std::string joined;
  for (const std::string& item : values) {
    joined += (joined.empty() ? "" : ",") + item;
  }
  return {joined};
}

void set_option(CLI::Option& option, const json& value, const std::string& where) {
  try {
    for (const std::string& text : values_of(value, option, where)) {
      option.add_result(text);
    }
    if (option.count() > 0) {
      option.run_callback();
    }
  } catch (const CLI::ParseError& error) {
    throw Error(where + ": " + error.what());
  }
}

/// Throws Error if the file gives two options that exclude each other.
void check_excluded(const CLI::Option& option, const std::string& where) {
  for (const CLI::Option* other : option.get_excludes()) {
    if (other->count() > 0) {
      throw Error(where + " cannot be given together with \"" + other->get_single_name() + "\"");
    }
  }
}

}  // namespace

std::set<const CLI::Option*> fixed_options(CLI::App& app) {
  std::set<const CLI::Option*> fixed;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0) {
      fixed.insert(option);
      const std::set<CLI::Option*> excluded = option->get_excludes();
      fixed.insert(excluded.begin(), excluded.end());
    }
  }
  return fixed;
}

void apply_config(CLI::App& app, const std::filesystem::path& file) {
  const json options = parse(file);
  const std::set<const CLI::Option*> fixed = fixed_options(app);
  std::string unknown;
  for (const auto& [key, value] : options.items()) {
    const std::string where = file.string() + ": \"" + key + "\"";
    CLI::Option* const option = find_option(app, key);
    if (option == nullptr) {
      unknown += (unknown.empty() ? "\"" : ", \"") + key + "\"";
    } else if (!fixed.contains(option)) {
      check_excluded(*option, where);
      set_option(*option, value, where);
    }
  }
  if (!unknown.empty()) {
    throw Error(file.string() + ": " + app.get_name() + " has no option " + unknown +
                "; see streamdiffusion " + app.get_name() + " --help");
  }
}

}  // namespace streamdiffusion::cli
