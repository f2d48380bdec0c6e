#pragma once

#include <string>

namespace streamdiffusion {

/// "0.1.0", as in CHANGELOG.md.
std::string version();

}  // namespace streamdiffusion
