#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace streamdiffusion {

/// Describes a file that is not safetensors by its first bytes, and says what to do. The text ends a sentence
/// that begins "is not a safetensors file but"; it is empty if the format is unknown.
std::string describe_other_format(std::span<const std::byte> bytes);

}  // namespace streamdiffusion
