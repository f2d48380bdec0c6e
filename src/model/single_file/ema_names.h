#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Restores a UNet's original name from that of its moving average, which lacks the dots. For example
/// "input_blocks10in_layers2weight" is "input_blocks.1.0.in_layers.2.weight". Returns nothing for any other
/// name.
std::optional<std::string> from_ema_name(std::string_view name);

}  // namespace streamdiffusion
