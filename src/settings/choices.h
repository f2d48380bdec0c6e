#pragma once

#include <array>
#include <string_view>

namespace streamdiffusion {

// The names of choices, in the order of their enumerations.
inline constexpr std::array<std::string_view, 4> kCfgTypeNames = {"none", "full", "self", "initialize"};
inline constexpr std::array<std::string_view, 2> kBlendNames = {"linear", "slerp"};

}  // namespace streamdiffusion
