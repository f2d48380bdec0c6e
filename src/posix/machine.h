#pragma once

#include <cstddef>
#include <string>

namespace streamdiffusion::posix {

/// Returns the processor's name, such as "AMD EPYC 9575F", or the architecture's name if it is unknown.
std::string processor_name();
/// Returns the number of logical processors, as std::thread::hardware_concurrency does.
int processor_count();
/// Returns the machine's memory in bytes, or 0 if it is unknown.
std::size_t total_memory();

}  // namespace streamdiffusion::posix
