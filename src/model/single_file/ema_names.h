#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Moving averages of a UNet's weights are stored under its original names without the dots:
/// "input_blocks10in_layers2weight" is "input_blocks.1.0.in_layers.2.weight". nullopt for what is no such
/// name.
std::optional<std::string> from_ema_name(std::string_view name);

}  // namespace streamdiffusion
