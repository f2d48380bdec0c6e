#pragma once

#include <cstddef>

namespace streamdiffusion::tests {

/// The number of allocations by operator new in the calling thread. host_allocations.cpp replaces the
/// executable's operator new.
std::size_t host_allocations();
/// The number of allocations by operator new in all threads.
std::size_t host_allocations_of_all_threads();

/// Makes the `count`-th allocation by operator new from now on fail, in the calling thread only. Later ones
/// succeed. 0: none fails.
void fail_host_allocation(std::size_t count);
/// True if the allocation chosen by fail_host_allocation has failed.
bool has_host_allocation_failed();

}  // namespace streamdiffusion::tests
