#pragma once

#include <string>

#include "streamdiffusion/export.h"

// The version of these headers; the project's CMakeLists.txt has the same. STREAMDIFFUSION_VERSION_NUMBER is
// 10000 * major + 100 * minor + patch.
#define STREAMDIFFUSION_VERSION_MAJOR 0
#define STREAMDIFFUSION_VERSION_MINOR 1
#define STREAMDIFFUSION_VERSION_PATCH 0
#define STREAMDIFFUSION_VERSION_NUMBER                                           \
  (STREAMDIFFUSION_VERSION_MAJOR * 10000 + STREAMDIFFUSION_VERSION_MINOR * 100 + \
   STREAMDIFFUSION_VERSION_PATCH)

namespace streamdiffusion {

/// Returns the version of the library that is linked, such as "0.1.0".
STREAMDIFFUSION_API std::string version();

}  // namespace streamdiffusion
