#pragma once

#include <string>

namespace streamdiffusion::posix {

/// Opens the shared library `file`, which lies beside the program or library that this function is a part of,
/// in the library folder beside that, or where the system looks for libraries, and finds `function` in it. It
/// stays open. Throws Error with the system's reason.
void* open_library_function(const std::string& file, const std::string& function);

}  // namespace streamdiffusion::posix
