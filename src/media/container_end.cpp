#include "media/container_end.h"

#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>

namespace streamdiffusion {
namespace {

/// A number in EBML's format: the leading zero bits of the first byte count the bytes that follow.
struct VariableInteger {
  std::uint64_t value;  ///< The value without the marker bit.
  bool unknown;         ///< True if all bits are set: the writer did not know the size.
};
std::optional<VariableInteger> read_size(std::istream& stream) {
  const int first = stream.get();
  if (!stream || first == 0) return std::nullopt;
  const int more = std::countl_zero(static_cast<std::uint8_t>(first));
  std::uint64_t value = static_cast<std::uint64_t>(first) & (0x7FU >> more);
  for (int i = 0; i < more; ++i) value = (value << 8) | static_cast<std::uint64_t>(stream.get() & 0xFF);
  if (!stream) return std::nullopt;
  const std::uint64_t all_ones = (std::uint64_t{1} << (7 * (more + 1))) - 1;
  return VariableInteger{value, value == all_ones};
}

bool read_id(std::istream& stream, std::string_view id) {
  std::array<char, 4> bytes{};
  return stream.read(bytes.data(), bytes.size()) && std::string_view(bytes.data(), bytes.size()) == id;
}

/// A Matroska file is a header and one segment, which states its size and holds everything else.
bool matroska_lacks_end(std::istream& stream, std::uint64_t file_size) {
  if (!read_id(stream, "\x1A\x45\xDF\xA3")) return false;
  const auto header = read_size(stream);
  if (!header || header->value > file_size) return false;
  stream.seekg(static_cast<std::streamoff>(header->value), std::ios::cur);
  if (!read_id(stream, "\x18\x53\x80\x67")) return false;
  const auto segment = read_size(stream);
  if (!segment || segment->unknown) return false;
  return segment->value > file_size - static_cast<std::uint64_t>(stream.tellg());
}

/// The last byte of a GIF is a semicolon. Some programs add zeros after it.
bool gif_lacks_end(std::istream& stream, std::uint64_t file_size) {
  if (!read_id(stream, "GIF8")) return false;
  constexpr int kMostPadding = 16;
  for (int i = 1; i <= kMostPadding && static_cast<std::uint64_t>(i) < file_size; ++i) {
    stream.seekg(-i, std::ios::end);
    const int byte = stream.get();
    if (byte != 0) return byte != ';';
  }
  return true;
}

}  // namespace

bool lacks_end(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) return false;
  const std::uint64_t size = std::filesystem::file_size(file);
  std::ifstream stream(file, std::ios::binary);
  if (matroska_lacks_end(stream, size)) return true;
  stream.clear();
  stream.seekg(0);
  return gif_lacks_end(stream, size);
}

}  // namespace streamdiffusion
