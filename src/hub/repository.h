#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace streamdiffusion::hub {

/// What names a repository, or a file of it: OWNER/NAME[/FILE][@REVISION].
struct Repository {
  std::string owner;
  std::string name;
  std::string file;  ///< a path inside the repository; empty: the repository
  std::string revision = "main";

  [[nodiscard]] std::string id() const { return owner + "/" + name; }
  /// For messages: with file, and with the revision where it is another than main.
  [[nodiscard]] std::string text() const;
};

/// None where the text does not have that form.
std::optional<Repository> parse_repository(const std::string& text);

/// Whether a server's path can be used below a folder of ours: relative, "/" between names that are no ".."
/// and hold no control characters.
bool is_safe_path(const std::string& path);

/// Whether it is a commit: 40 hexadecimal digits in small letters.
bool is_commit(const std::string& revision);

/// Hexadecimal digits in small letters, as many as that.
bool is_hash(const std::string& text, std::size_t digits);

}  // namespace streamdiffusion::hub
