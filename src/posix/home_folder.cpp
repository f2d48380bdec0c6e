#include "posix/home_folder.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace streamdiffusion::posix {

std::optional<std::string> home_folder(const std::string& user) {
  constexpr std::size_t kLargest = std::size_t{1} << 20U;
  std::vector<char> texts(1 << 12);
  passwd entry{};
  passwd* found = nullptr;
  const auto look_up = [&] {
    return user.empty() ? getpwuid_r(getuid(), &entry, texts.data(), texts.size(), &found)
                        : getpwnam_r(user.c_str(), &entry, texts.data(), texts.size(), &found);
  };
  while (look_up() == ERANGE && texts.size() < kLargest) {
    texts.resize(2 * texts.size());
  }
  return found != nullptr && found->pw_dir != nullptr ? std::optional<std::string>(found->pw_dir)
                                                      : std::nullopt;
}

}  // namespace streamdiffusion::posix
