#pragma once

#include <stdexcept>
#include <string>

namespace streamdiffusion {

/// Every failure that a caller can do something about: a file that is missing or malformed, a parameter out
/// of range, a size that does not fit into memory. `what()` says what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// The device that computes is gone for this process (a GPU that failed or was taken away): every later call
/// fails too. Start the program again.
class DeviceLost : public Error {
 public:
  using Error::Error;
};

}  // namespace streamdiffusion
