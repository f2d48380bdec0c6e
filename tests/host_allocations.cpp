// Replaces the executable's operator new.

#include "host_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations_of_all_threads = 0;
thread_local std::size_t allocations = 0;
thread_local std::size_t until_failure = 0;
thread_local bool has_failed = false;

void* counted_or_null(std::size_t bytes) {
  ++allocations;
  allocations_of_all_threads.fetch_add(1, std::memory_order_relaxed);
  if (until_failure > 0 && --until_failure == 0) {
    has_failed = true;
    return nullptr;
  }
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* counted(std::size_t bytes) {
  if (void* memory = counted_or_null(bytes)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace streamdiffusion::tests {

std::size_t host_allocations() { return allocations; }

std::size_t host_allocations_of_all_threads() { return allocations_of_all_threads; }

void fail_host_allocation(std::size_t count) {
  until_failure = count;
  has_failed = false;
}

bool has_host_allocation_failed() { return has_failed; }

}  // namespace streamdiffusion::tests
