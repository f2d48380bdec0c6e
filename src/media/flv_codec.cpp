#include "media/flv_codec.h"

#include <algorithm>
#include <cctype>

#include "media/file_walk.h"

namespace streamdiffusion {

std::string enhanced_flv_codec(const std::filesystem::path& path) {
  constexpr std::size_t kHeader = 9;
  constexpr std::size_t kTag = 11;
  constexpr std::size_t kSizeOfTag = 4;
  constexpr std::uint8_t kVideo = 9;
  constexpr std::uint8_t kEnhanced = 0x80;  // in the byte before the FourCC
  if (!std::filesystem::is_regular_file(path)) return {};
  FileWalk file(path);
  const Bytes header = file.peek(kHeader);
  if (header.size() < kHeader || !starts_with(header, "FLV\x01")) return {};
  file.skip(big_endian(skip_bytes(header, 5), 4) + kSizeOfTag);
  while (true) {
    const Bytes tag = file.peek(kTag + 5);
    if (tag.size() < kTag + 5) return {};
    if (tag[0] == kVideo) {
      if ((tag[kTag] & kEnhanced) == 0) return {};
      const Bytes name = tag.subspan(kTag + 1, 4);
      const bool is_text = std::ranges::all_of(name, [](std::uint8_t c) { return std::isalnum(c) != 0; });
      return is_text ? std::string(name.begin(), name.end()) : std::string();
    }
    file.skip(kTag + std::uint64_t{big_endian(skip_bytes(tag, 1), 3)} + kSizeOfTag);
  }
}

}  // namespace streamdiffusion
