#pragma once

#include <stdexcept>
#include <string>

namespace streamdiffusion {

/// A failure that a caller can act on: a missing or malformed file, a parameter out of range, too little
/// memory. `what()` states what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// The compute device is lost for this process, because a GPU failed or was removed. Every later call fails
/// too, so the program has to be restarted.
class DeviceLost : public Error {
 public:
  using Error::Error;
};

}  // namespace streamdiffusion
