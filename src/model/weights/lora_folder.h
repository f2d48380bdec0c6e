#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion {

/// Finds the .safetensors file called `name` in a folder or its subfolders: by its stem, or by its path
/// within the folder, both without the extension. Links to folders are followed. Names are compared with
/// letters and accents composed, and are never joined to paths, so a name leads to nothing outside. Throws
/// Error where there is no such file, naming some that are there, or more than one.
std::filesystem::path find_lora(const std::filesystem::path& folder, const std::string& name);

}  // namespace streamdiffusion
