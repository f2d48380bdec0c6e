#pragma once

#include <cstddef>

namespace streamdiffusion::posix {

/// Zeroed, aligned to pages, large pages where the system has them; nullptr where there is no memory.
void* allocate_pages(std::size_t bytes);
void free_pages(void* data, std::size_t bytes);

/// Bytes that can still be asked for and used without swapping; the machine's memory where the system does
/// not tell.
std::size_t available_memory();

}  // namespace streamdiffusion::posix
