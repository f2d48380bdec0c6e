#pragma once

#include <string>

namespace streamdiffusion::posix {

/// Opens the shared library `file` and returns the address of its function `function`. The library stays
/// open.
///
/// It searches the folder of the program or library that contains this code, the library folder beside that
/// folder, and the system's folders. Throws Error with the system's reason.
void* open_library_function(const std::string& file, const std::string& function);

}  // namespace streamdiffusion::posix
