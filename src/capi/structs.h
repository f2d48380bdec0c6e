#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

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

/// Returns the length of UTF-8 text that is cut to at most `most` bytes between two characters.
inline std::size_t cut_length(std::string_view text, std::size_t most) {
  if (text.size() <= most) {
    return text.size();
  }
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) {
    --most;
  }
  return most;
}

}  // namespace streamdiffusion::capi
