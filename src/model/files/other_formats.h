#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace streamdiffusion {

/// Names the kind of a file given in place of a safetensors file by its first bytes, and says what to do, as
/// the end of a sentence; empty where the bytes do not tell.
std::string describe_other_format(std::span<const std::byte> bytes);

}  // namespace streamdiffusion
