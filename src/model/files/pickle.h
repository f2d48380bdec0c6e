#pragma once

#include <filesystem>

namespace streamdiffusion {

/// True if the file's name ends like that of a Python pickle: .ckpt, .pt, .bin and others.
bool is_pickle(const std::filesystem::path& file);

/// Throws Error if `is_pickle`, saying why it is not read and what to do.
void refuse_pickle(const std::filesystem::path& file);

}  // namespace streamdiffusion
