#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion::hub {

/// Replaces a leading `~` or `~user` and then each `$NAME` and `${NAME}` by the environment's values, as
/// Python's os.path.expanduser and os.path.expandvars do. What names no user or variable stays as it is.
std::filesystem::path expand_path(const std::string& path);

}  // namespace streamdiffusion::hub
