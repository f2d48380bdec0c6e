#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace streamdiffusion {

/// The whole file, which may lie in a DDUF file; Error where it is missing, unreadable or larger than
/// `limit`.
std::string read_text_file(const std::filesystem::path& file, std::size_t limit = std::size_t{64} << 20U);

}  // namespace streamdiffusion
