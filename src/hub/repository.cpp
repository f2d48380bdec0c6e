#include "hub/repository.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace streamdiffusion::hub {
namespace {

constexpr std::size_t kLongestName = 96;
constexpr std::size_t kLongestPart = 255;
constexpr std::size_t kLongestPath = 1024;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

/// True for names that the hub allows. "--" is refused: it stands for "/" in names of the cache's folders.
bool is_name(std::string_view name) {
  const auto at_an_end = [](char c) { return c != '-' && c != '.'; };
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, is_name_character) &&
         at_an_end(name.front()) && at_an_end(name.back()) && name.find("--") == std::string_view::npos &&
         name.find("..") == std::string_view::npos;
}

/// True for a file that can be loaded by itself: a model or a part of one.
bool is_model_file_name(std::string_view name) {
  return name.ends_with(".safetensors") || name.ends_with(".dduf");
}

/// True if the second part of a path looks like a file name, so that the path is a local file.
bool is_file_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> kEndings = {".ckpt", ".pt",   ".pth", ".bin",
                                                        ".json", ".onnx", ".gguf"};
  return is_model_file_name(name) ||
         std::ranges::any_of(kEndings, [name](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

std::string Repository::text() const {
  return id() + (file.empty() ? "" : "/" + file) + (revision == "main" ? "" : "@" + revision);
}

std::optional<Repository> parse_repository(const std::string& text) {
  Repository repository;
  std::string path = text;
  if (const std::size_t at = path.find('@'); at != std::string::npos) {
    repository.revision = path.substr(at + 1);
    path.resize(at);
    if (!is_safe_path(repository.revision)) {
      return std::nullopt;
    }
  }
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t second = std::min(path.find('/', slash + 1), path.size());
  repository.owner = path.substr(0, slash);
  repository.name = path.substr(slash + 1, second - slash - 1);
  repository.file = path.substr(std::min(second + 1, path.size()));
  const bool whole = second == path.size();
  if (!is_name(repository.owner) || !is_name(repository.name) || is_file_name(repository.name) ||
      (!whole && (!is_safe_path(repository.file) || !is_model_file_name(repository.file)))) {
    return std::nullopt;
  }
  return repository;
}

bool is_safe_path(const std::string& path) {
  const auto harmful = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  if (path.empty() || path.size() > kLongestPath || std::ranges::any_of(path, harmful)) {
    return false;
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestPart) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

bool is_hash(const std::string& text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_commit(const std::string& revision) { return is_hash(revision, 40); }

}  // namespace streamdiffusion::hub
