#include "cli/help_formatter.h"

#include <sstream>

namespace streamdiffusion::cli {
namespace {

constexpr std::size_t kTextColumn = 32;
constexpr std::size_t kColumns = 100;

/// Formats `name` in the left column and `text`, wrapped, in the right one.
std::string two_columns(const std::string& name, const std::string& text) {
  std::string lines = "  " + name;
  std::size_t column = lines.size();
  if (column + 2 > kTextColumn) {
    lines += "\n";
    column = 0;
  }
  lines.append(kTextColumn - column, ' ');
  column = kTextColumn;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (column > kTextColumn && column + 1 + word.size() > kColumns) {
      lines += "\n" + std::string(kTextColumn, ' ');
      column = kTextColumn;
    }
    if (column > kTextColumn) {
      lines += " ";
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + "\n";
}

}  // namespace

std::string HelpFormatter::make_group(std::string group, bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  std::string lines = "\n" + group + ":\n";
  for (const CLI::Option* option : options) {
    lines += make_option(option, is_positional);
  }
  return lines;
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  if (!is_positional && option->get_positional()) {
    return "";  // The list of positional arguments already contains it.
  }
  std::string name = option->get_name(is_positional, true);
  if (!is_positional && option->get_items_expected_max() > 0) {
    name += " " + option->get_type_name();
  }
  std::string text = option->get_description();
  if (!option->get_default_str().empty()) {
    text += " (default: " + option->get_default_str() + ")";
  }
  return two_columns(name, text);
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  if (!app->get_subcommands({}).empty()) {
    return "Usage: " + (app->get_parent() == nullptr ? app->get_name() : name) + " COMMAND [OPTIONS]\n";
  }
  std::string usage = "Usage: " + name;
  for (const CLI::Option* option : app->get_options(&CLI::Option::get_positional)) {
    usage += " " + option->get_name(true);
  }
  return usage + " [OPTIONS]\n";
}

}  // namespace streamdiffusion::cli
