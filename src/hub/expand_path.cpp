#include "hub/expand_path.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "posix/home_folder.h"

namespace streamdiffusion::hub {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::optional<std::string> home_of(const std::string& user) {
  const std::optional<std::string> home = user.empty() ? environment_variable("HOME") : std::nullopt;
  return home ? home : posix::home_folder(user);
}

std::string expand_user(const std::string& path) {
  if (!path.starts_with('~')) {
    return path;
  }
  const std::size_t end = std::min(path.find('/'), path.size());
  std::optional<std::string> home = home_of(path.substr(1, end - 1));
  if (!home) {
    return path;
  }
  home->erase(home->find_last_not_of('/') + 1);
  const std::string expanded = *home + path.substr(end);
  return expanded.empty() ? "/" : expanded;
}

bool is_variable_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Returns the length of the `$NAME` or `${NAME}` that `text` begins with, or 0.
std::size_t reference_length(std::string_view text) {
  if (text.starts_with("${")) {
    const std::size_t end = text.find('}');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  const auto end = std::find_if_not(text.begin() + 1, text.end(), is_variable_character);
  const auto length = static_cast<std::size_t>(end - text.begin());
  return length > 1 ? length : 0;
}

std::string expand_variables(std::string_view path) {
  std::string expanded;
  while (!path.empty()) {
    const std::size_t length = path.front() == '$' ? reference_length(path) : 0;
    const std::string_view reference = path.substr(0, std::max<std::size_t>(length, 1));
    const bool has_braces = reference.ends_with('}');
    const std::optional<std::string> value =
        length == 0 ? std::nullopt
                    : environment_variable(
                          std::string(has_braces ? reference.substr(2, length - 3) : reference.substr(1)));
    expanded += value ? *value : std::string(reference);
    path.remove_prefix(reference.size());
  }
  return expanded;
}

}  // namespace

std::filesystem::path expand_path(const std::string& path) { return expand_variables(expand_user(path)); }

}  // namespace streamdiffusion::hub
