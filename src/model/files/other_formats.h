#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace streamdiffusion {

/// What a file is that was given in place of a safetensors file, told by its first bytes, and what to do, as
/// the end of a sentence; empty where the bytes do not tell.
std::string describe_other_format(std::span<const std::byte> bytes);

}  // namespace streamdiffusion
