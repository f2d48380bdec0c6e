#pragma once

#include <optional>
#include <string>

namespace streamdiffusion::posix {

/// The home folder of a user as the system's user database has it; of the current user where `user` is empty.
/// None where there is no such user.
std::optional<std::string> home_folder(const std::string& user);

}  // namespace streamdiffusion::posix
