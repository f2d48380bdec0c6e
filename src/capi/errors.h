#pragma once

#include <exception>
#include <utility>

#include "streamdiffusion.h"

namespace streamdiffusion::capi {

/// Returns the status of an exception, and writes its message to `error` if that is not null.
sd_status report(std::exception_ptr exception, sd_error* error) noexcept;

/// Calls `function`. Returns SD_OK, or the status of the exception that it throws.
template <typename Function>
sd_status call(sd_error* error, Function&& function) noexcept {
  try {
    std::forward<Function>(function)();
    return SD_OK;
  } catch (...) {
    return report(std::current_exception(), error);
  }
}

/// Throws ArgumentError if the pointer is null. `name` is the argument's.
void require(const void* pointer, const char* name);

}  // namespace streamdiffusion::capi
