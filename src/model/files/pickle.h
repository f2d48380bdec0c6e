#pragma once

#include <filesystem>

namespace streamdiffusion {

/// Whether a file's name ends like those of Python's pickles: .ckpt, .pt, .bin ...
bool is_pickle(const std::filesystem::path& file);

/// Throws Error for a file with such a name: says why it is not read, and what to do.
void refuse_pickle(const std::filesystem::path& file);

}  // namespace streamdiffusion
