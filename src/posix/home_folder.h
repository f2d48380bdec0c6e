#pragma once

#include <optional>
#include <string>

namespace streamdiffusion::posix {

/// Returns a user's home folder from the system's user database, or nullopt if there is no such user. An
/// empty `user` means the current one.
std::optional<std::string> home_folder(const std::string& user);

}  // namespace streamdiffusion::posix
