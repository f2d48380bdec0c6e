#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace streamdiffusion::posix {

/// Returns the processor's name, such as "AMD EPYC 9575F", or the architecture's name if it is unknown.
std::string processor_name();
/// Returns the number of logical processors, as std::thread::hardware_concurrency does.
int processor_count();
/// Returns the machine's memory in bytes, or 0 if it is unknown.
std::size_t total_memory();
/// Returns the size in bytes of the first processor's cache of a level, or 0 if it has none or the size is
/// unknown. From the second level on, caches hold data and instructions. `folder` is where Linux describes
/// them.
std::size_t cache_size(int level, const std::filesystem::path& folder = "/sys/devices/system/cpu/cpu0/cache");

}  // namespace streamdiffusion::posix
