#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::capi {

/// Returns a struct of the caller, whose version may be older or newer. Fields that an older one lacks are 0.
/// Throws ArgumentError if its struct_size was not set.
template <typename Struct>
Struct read_struct(const Struct* given, const char* name) {
  if (given == nullptr || given->struct_size < sizeof(std::size_t)) {
    throw ArgumentError(std::string(name) + " is NULL or was not set by " + name + "_init");
  }
  Struct own{};
  std::memcpy(&own, given, std::min(given->struct_size, sizeof own));
  return own;
}

/// Copies a struct to one of the caller with `size` bytes, as many as both have, and sets its struct_size.
template <typename Struct>
void write_struct(Struct own, Struct* out, std::size_t size) {
  own.struct_size = size;
  std::memcpy(out, &own, std::min(size, sizeof own));
}

/// Returns the text, or "" for NULL.
inline std::string text_of(const char* text) { return text != nullptr ? text : ""; }

}  // namespace streamdiffusion::capi
