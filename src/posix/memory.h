#pragma once

#include <cstddef>

namespace streamdiffusion::posix {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

/// Zeroed; nullptr where there is no memory. From half a large page on in large pages where the system has
/// them, then aligned to them.
void* allocate_pages(std::size_t bytes);
void free_pages(void* data, std::size_t bytes);

/// Gives back what the heap holds of freed memory: for after much has been allocated and freed that will not
/// be needed again.
void return_freed_memory();

/// Bytes that can still be asked for and used without swapping; the machine's memory where the system does
/// not tell.
std::size_t available_memory();

}  // namespace streamdiffusion::posix
