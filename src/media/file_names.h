#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// ".jpg" for "A.JPG".
std::string lower_extension(const std::filesystem::path& file);

/// Whether `a` comes before `b` as people count: "2.png" before "10.png".
bool natural_less(std::string_view a, std::string_view b);

/// The picture files in a folder by their extensions, in natural order; hidden ones left out.
std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& folder);

/// A file name with one number in it: "out/%05d.png" gives "out/00007.png" for 7.
class NumberPattern {
 public:
  /// Throws Error where there is not exactly one %d, %Nd or %0Nd.
  explicit NumberPattern(const std::string& pattern);
  [[nodiscard]] std::filesystem::path name(long number) const;

 private:
  std::string before_;
  std::string after_;
  std::size_t digits_ = 1;
};

}  // namespace streamdiffusion
