#pragma once

#include <cstddef>

namespace streamdiffusion::testing {

/// Allocations by operator new in the calling thread; the whole executable's operator new counts them.
std::size_t host_allocations();
/// Allocations by operator new in all threads.
std::size_t host_allocations_of_all_threads();

/// The `count`-th allocation by operator new in the calling thread from now on fails; those after it succeed.
/// 0: none fails.
void fail_host_allocation(std::size_t count);
/// True if the allocation that was to fail has failed.
bool has_host_allocation_failed();

}  // namespace streamdiffusion::testing
