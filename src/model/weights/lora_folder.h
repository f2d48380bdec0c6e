#pragma once

#include <filesystem>
#include <string>

namespace streamdiffusion {

/// Finds the .safetensors file called `name` in a folder or its subfolders, following links. `name` is the
/// file's stem or its path within the folder, without the extension. Letters and accents are composed before
/// the comparison. Names are never joined to paths, so they cannot lead outside. Throws PromptError if there
/// is no such file, listing some that exist, or several.
std::filesystem::path find_lora(const std::filesystem::path& folder, const std::string& name);

}  // namespace streamdiffusion
