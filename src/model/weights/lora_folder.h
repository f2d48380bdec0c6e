#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion {

/// The .safetensors file called `name` in a folder or its subfolders: by its stem, or by its path within the
/// folder, both without the extension. Names are compared, never joined to paths, so nothing outside is
/// found. Throws Error where there is none, naming some that are there, or more than one.
std::filesystem::path find_lora(const std::filesystem::path& folder, const std::string& name);

}  // namespace streamdiffusion
