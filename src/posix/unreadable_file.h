#pragma once

#include <filesystem>

namespace streamdiffusion::posix {

/// Throws FileError if `error`, an errno, says that there is no such file, else SystemError.
[[noreturn]] void throw_unreadable(const std::filesystem::path& file, int error);

}  // namespace streamdiffusion::posix
