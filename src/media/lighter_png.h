#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/byte_view.h"

namespace streamdiffusion {

/// A PNG without the chunks that a decoder would inflate to more than an image needs.
struct LighterPng {
  std::vector<std::uint8_t> bytes;
  bool lacks_profile = false;  ///< True if its colour profile was left out.
};

/// Leaves out texts that may be compressed, which nobody reads, and a colour profile of more than
/// `most_profile` bytes. FFmpeg inflates both without a limit, and 1 KiB may become 1 MiB. Returns nothing if
/// the bytes are no PNG or have no such chunk. The bytes may be damaged or cut short.
std::optional<LighterPng> without_heavy_chunks(Bytes png, std::size_t most_profile);

}  // namespace streamdiffusion
