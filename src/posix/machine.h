#pragma once

#include <cstddef>
#include <string>

namespace streamdiffusion::posix {

/// "AMD EPYC 9575F"; what the system calls the architecture where it does not tell.
std::string processor_name();
/// Processors that this process may run on.
int processor_count();
/// Bytes of memory that the machine has; 0 where the system does not tell.
std::size_t total_memory();

}  // namespace streamdiffusion::posix
