#include "media/file_names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Removes a number from the front and returns it without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_digit);
  std::string_view number = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(number.size());
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

bool is_image_name(const std::filesystem::path& file) {
  // Formats that cannot be read, such as HEIC, are listed so that they cause an error instead of being
  // skipped.
  constexpr auto kExtensions = std::to_array<std::string_view>(
      {".png",  ".apng", ".jpg",  ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".dib", ".tif",
       ".tiff", ".gif",  ".ppm",  ".pgm",  ".pbm", ".pnm",  ".pam", ".pfm",  ".tga", ".icb", ".vda",
       ".vst",  ".avif", ".heic", ".heif", ".jxl", ".jp2",  ".j2k", ".jls",  ".ico", ".svg", ".svgz",
       ".pcx",  ".dds",  ".dpx",  ".exr",  ".hdr", ".psd",  ".qoi", ".sgi",  ".ras", ".xbm"});
  const std::string extension = lower_extension(file);
  const bool hidden = file.filename().string().starts_with('.');
  return !hidden && std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace

std::string lower_extension(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view number_a = take_number(a);
      const std::string_view number_b = take_number(b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
    } else {
      if (a.front() != b.front()) return a.front() < b.front();
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // A fixed order for equal numbers such as "01" and "1".
}

std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_image_name(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  return files;
}

NumberPattern::NumberPattern(const std::string& pattern) {
  const std::size_t begin = std::min(pattern.find('%'), pattern.size());
  std::size_t at = begin + 1;
  if (at < pattern.size() && pattern[at] == '0') ++at;
  const bool has_width = at < pattern.size() && pattern[at] >= '1' && pattern[at] <= '9';
  if (has_width) digits_ = static_cast<std::size_t>(pattern[at++] - '0');
  const bool is_place = at < pattern.size() && pattern[at] == 'd' && (has_width || at == begin + 1);
  if (!is_place || pattern.find('%', at) != std::string::npos) {
    throw ArgumentError("the pattern " + pattern + " needs one place for the number, such as %05d");
  }
  before_ = pattern.substr(0, begin);
  after_ = pattern.substr(at + 1);
}

std::filesystem::path NumberPattern::name(long number) const {
  std::string text = std::to_string(number);
  if (text.size() < digits_) text.insert(0, digits_ - text.size(), '0');
  return before_ + text + after_;
}

}  // namespace streamdiffusion
