#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace streamdiffusion::posix {

/// The result of running a program.
struct ChildRun {
  int status = 0;                ///< Exit status, or minus the number of the signal that ended it.
  double seconds_to_output = 0;  ///< Time from the start to the first byte on standard output.
  double seconds = 0;            ///< Time from the start to the end.
  /// Peak resident memory in bytes, until the program closed its standard output; 0 if unknown.
  std::size_t peak_resident = 0;
};

/// Runs a program to its end and discards its standard output. Throws Error if it cannot be started.
ChildRun run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments);

}  // namespace streamdiffusion::posix
