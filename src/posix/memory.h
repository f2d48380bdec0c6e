#pragma once

#include <cstddef>

namespace streamdiffusion::posix {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;  ///< Size in bytes of a large page on x86-64.

/// Allocates zeroed pages; returns nullptr if there is not enough memory. More than half a large page is
/// allocated as large pages if the system has them, and is then aligned to kLargePage.
void* allocate_pages(std::size_t bytes);
/// Frees pages; `bytes` is the size given to allocate_pages.
void free_pages(void* data, std::size_t bytes);

/// Returns memory that the heap holds but does not use to the system. Useful after allocations that will not
/// recur.
void return_freed_memory();

/// Returns the number of bytes that can be allocated and used without swapping, or the machine's memory if
/// that is unknown.
std::size_t available_memory();

}  // namespace streamdiffusion::posix
