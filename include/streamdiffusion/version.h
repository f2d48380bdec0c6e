#pragma once

#include <string>

namespace streamdiffusion {

/// Returns the library's version, such as "0.1.0".
std::string version();

}  // namespace streamdiffusion
