#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace streamdiffusion {

/// Returns a file's content; it may lie in a DDUF file. Throws Error if unreadable or above `limit` bytes.
std::string read_text_file(const std::filesystem::path& file, std::size_t limit = std::size_t{64} << 20U);

}  // namespace streamdiffusion
