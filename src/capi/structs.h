#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion::capi {

/// Returns a copy of the caller's struct, which may be an older or newer version. Fields missing from an
/// older version are 0, and further fields of a newer one are ignored. Throws ArgumentError if `given` is
/// null or its struct_size is too small.
template <typename Struct>
Struct read_struct(const Struct* given, const char* name) {
  if (given == nullptr || given->struct_size < sizeof(std::size_t)) {
    throw ArgumentError(std::string(name) + " is NULL or was not set by " + name + "_init");
  }
  Struct own{};
  std::memcpy(&own, given, std::min(given->struct_size, sizeof own));
  return own;
}

/// Copies a struct into the caller's, whose size is `size` bytes, and sets struct_size to `size`. If the
/// sizes differ, only the smaller number of bytes is copied, and bytes beyond stay unchanged.
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
