// Checks that any bytes give an Error or an uncompressed ZIP archive whose entries lie inside it.
#include "model/files/dduf.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "streamdiffusion/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  try {
    for (const auto& [name, entry] : streamdiffusion::read_stored_zip(bytes, "file")) {
      const bool inside = entry.empty() || (entry.data() >= bytes.data() &&
                                            entry.data() + entry.size() <= bytes.data() + bytes.size());
      if (!inside) {
        std::abort();
      }
    }
  } catch (const streamdiffusion::Error&) {
  }
  return 0;
}
