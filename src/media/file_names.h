#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// The extension in lower case: ".jpg" for "A.JPG".
std::string lower_extension(const std::filesystem::path& file);

/// True if `a` comes before `b` in natural order: "2.png" before "10.png".
bool natural_less(std::string_view a, std::string_view b);

/// Lists the image files in a folder, judged by extension, in natural order and without hidden files.
std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder);

/// A file name with one slot for a number: "out/%05d.png" becomes "out/00007.png" for 7.
class NumberPattern {
 public:
  /// Throws Error unless there is exactly one %d, %Nd or %0Nd, with N from 1 to 9.
  explicit NumberPattern(const std::string& pattern);
  [[nodiscard]] std::filesystem::path name(long number) const;

 private:
  std::string before_;
  std::string after_;
  std::size_t digits_ = 1;
};

}  // namespace streamdiffusion
