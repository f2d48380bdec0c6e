#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion::hub {

/// Replaces a leading `~` or `~user`, then each `$NAME` and `${NAME}`, by values from the environment. Like
/// Python's os.path.expanduser and os.path.expandvars, it keeps unknown users and variables.
std::filesystem::path expand_path(const std::string& path);

}  // namespace streamdiffusion::hub
