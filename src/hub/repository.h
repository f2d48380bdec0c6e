#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace streamdiffusion::hub {

/// A repository or a file in it: OWNER/NAME[/FILE][@REVISION].
struct Repository {
  std::string owner;
  std::string name;
  std::string file;  ///< Path inside the repository; empty for the repository itself.
  std::string revision = "main";

  [[nodiscard]] std::string id() const { return owner + "/" + name; }
  /// Returns the name for messages, with the file and with a revision other than main.
  [[nodiscard]] std::string text() const;
};

/// Parses OWNER/NAME[/FILE][@REVISION]. Returns nothing for other texts.
std::optional<Repository> parse_repository(const std::string& text);

/// True if a server's path can be used below a local folder: relative, with no part "." or "..", no backslash
/// and no control characters.
bool is_safe_path(const std::string& path);

/// True if the text is a commit: 40 lower-case hexadecimal digits.
bool is_commit(const std::string& revision);

/// True if the text has exactly this number of lower-case hexadecimal digits and nothing else.
bool is_hash(const std::string& text, std::size_t digits);

}  // namespace streamdiffusion::hub
