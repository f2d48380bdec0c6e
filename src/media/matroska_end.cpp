#include "media/matroska_end.h"

#include <array>
#include <bit>
#include <optional>

namespace streamdiffusion {
namespace {

constexpr std::uint32_t kHeader = 0x1A45DFA3;
constexpr std::uint32_t kSegment = 0x18538067;
constexpr std::uint32_t kCluster = 0x1F43B675;

/// Elements that a segment or cluster holds: SeekHead, Info, Tracks, Cues, Tags, Chapters, Attachments, Void,
/// CRC-32; Timestamp, SimpleBlock, BlockGroup, Position, PrevSize, SilentTracks, EncryptedBlock.
constexpr std::array<std::uint32_t, 16> kParts = {
    0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469, 0xEC,
    0xBF,       0xE7,       0xA3,       0xA0,       0xA7,       0xAB,       0x5854,     0xAF};

/// The zeros that the first byte of an EBML number begins with tell how many bytes follow it.
std::size_t length_of_number(std::uint8_t first) {
  return static_cast<std::size_t>(std::countl_zero(first)) + 1;
}

struct Element {
  std::uint32_t id = 0;
  std::uint64_t size = 0;
  bool of_unknown_size = false;  ///< all bits of the size are set: the writer did not know it
};

/// Returns the size that stands at the beginning of `bytes`, without the bit that marks its length.
std::uint64_t size_without_mark(Bytes bytes, std::size_t length) {
  std::uint64_t value = bytes[0] & (0x7FU >> (length - 1));
  for (std::size_t i = 1; i < length; ++i) value = (value << 8) | bytes[i];
  return value;
}

/// Takes the head of an element. Nothing where no element can begin and where the file ends before the head
/// does.
std::optional<Element> take_head(FileWalk& file) {
  constexpr std::size_t kLongestId = 4;
  constexpr std::size_t kLongestSize = 8;
  Bytes bytes = file.peek(kLongestId + kLongestSize);
  if (bytes.empty()) return std::nullopt;
  const std::size_t id_length = length_of_number(bytes[0]);
  if (id_length > kLongestId || bytes.size() <= id_length) return std::nullopt;
  Element element{.id = big_endian(bytes, id_length)};
  bytes = skip_bytes(bytes, id_length);
  const std::size_t size_length = length_of_number(bytes[0]);
  if (size_length > kLongestSize || bytes.size() < size_length) return std::nullopt;
  element.size = size_without_mark(bytes, size_length);
  element.of_unknown_size = element.size == (std::uint64_t{1} << (7 * size_length)) - 1;
  file.skip(id_length + size_length);
  return element;
}

/// A segment or cluster of unknown size ends where the next one begins, so its elements are looked at in the
/// same row.
bool is_opened(const Element& element) {
  return element.of_unknown_size && (element.id == kSegment || element.id == kCluster);
}

bool is_known(const Element& element) {
  return element.id == kHeader || element.id == kSegment || element.id == kCluster ||
         std::ranges::find(kParts, element.id) != kParts.end();
}

}  // namespace

bool is_matroska(FileWalk& file) {
  const Bytes bytes = file.peek(4);
  return bytes.size() == 4 && big_endian(bytes, 4) == kHeader;
}

bool matroska_is_cut(FileWalk& file) {
  while (const std::optional<Element> element = take_head(file)) {
    if (is_opened(*element)) continue;
    if (element->of_unknown_size || !is_known(*element)) return false;
    if (element->size > file.bytes_left()) return true;
    file.skip(element->size);
  }
  return false;
}

}  // namespace streamdiffusion
