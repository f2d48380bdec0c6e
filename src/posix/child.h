#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace streamdiffusion::posix {

/// How a program went.
struct ChildRun {
  int status = 0;                ///< exit status, or minus the signal that ended it
  double seconds_to_output = 0;  ///< from its start to the first byte on its standard output
  double seconds = 0;            ///< to its end
  /// Bytes of memory, as long as it wrote to its standard output; 0 where the system does not tell.
  std::size_t peak_resident = 0;
};

/// Runs a program to its end; what it prints is thrown away. Throws Error where it cannot be started.
ChildRun run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments);

}  // namespace streamdiffusion::posix
