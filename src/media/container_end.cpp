#include "media/container_end.h"

#include <array>
#include <cctype>
#include <string_view>

#include "media/file_walk.h"
#include "media/matroska_end.h"

namespace streamdiffusion {
namespace {

using enum ContainerEnd;

std::uint64_t big_endian_64(Bytes bytes) {
  return (std::uint64_t{big_endian(bytes, 4)} << 32) | big_endian(skip_bytes(bytes, 4), 4);
}
std::uint64_t little_endian_64(Bytes bytes) {
  return (std::uint64_t{little_endian(skip_bytes(bytes, 4), 4)} << 32) | little_endian(bytes, 4);
}

template <std::size_t kCount>
bool starts_with_one_of(Bytes bytes, const std::array<std::string_view, kCount>& texts) {
  return std::ranges::any_of(texts, [&](std::string_view text) { return starts_with(bytes, text); });
}

/// The last byte (some programs pad with zeros) is a semicolon.
ContainerEnd end_of_gif(FileWalk& file) {
  constexpr std::uint64_t kMostPadding = 16;
  file.skip(file.bytes_left() - std::min(file.bytes_left(), kMostPadding));
  Bytes bytes = file.peek(kMostPadding);
  while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  return !bytes.empty() && bytes.back() == ';' ? whole : cut_short;
}

/// Frames and indices of an AVI: "01dc", "00wb", "ix00", "idx1".
bool is_avi_data(Bytes chunk) {
  if (starts_with(chunk, "ix") || starts_with(chunk, "idx1")) return true;
  constexpr std::array<std::string_view, 4> kKinds = {"dc", "db", "wb", "tx"};
  return std::isxdigit(chunk[0]) != 0 && std::isxdigit(chunk[1]) != 0 &&
         starts_with_one_of(skip_bytes(chunk, 2), kKinds);
}

/// A RIFF for the first gigabyte or two, and others behind it for the rest. Each consists of chunks and of
/// lists of chunks, all with their sizes. Recordings that were never finished and those to pipes do not know
/// the sizes of their lists, whose chunks are looked at in one row then. The size of a RIFF is not believed:
/// it may count its own head, or an index that was never written.
ContainerEnd end_of_avi(FileWalk& file) {
  constexpr std::size_t kHead = 8;
  constexpr std::size_t kType = 4;
  constexpr std::uint32_t kUnknown = 0xFFFFFFFF;
  while (file.bytes_left() >= kHead) {
    const Bytes chunk = file.peek(kHead);
    const std::uint32_t size = little_endian(skip_bytes(chunk, 4), 4);
    const bool is_list = starts_with(chunk, "LIST");
    const bool is_open = starts_with(chunk, "RIFF") || (is_list && (size == 0 || size == kUnknown));
    const bool is_known = is_list || is_avi_data(chunk);
    const bool is_printable =
        std::ranges::all_of(chunk.first(4), [](std::uint8_t byte) { return std::isprint(byte) != 0; });
    if (!is_printable) return whole;
    file.skip(kHead);
    if (is_open) {
      file.skip(kType);
      continue;
    }
    if (size > file.bytes_left()) return is_known ? cut_short : whole;
    file.skip(std::uint64_t{size} + size % 2);
  }
  return whole;
}

/// Boxes of size and type. A second index is not read, unless the video lies in fragments, where it tells
/// nothing new.
ContainerEnd end_of_mp4(FileWalk& file) {
  constexpr std::array<std::string_view, 11> kTypes = {"ftyp", "moov", "mdat", "moof", "mfra", "free",
                                                       "skip", "wide", "styp", "sidx", "uuid"};
  constexpr std::size_t kHead = 8;
  constexpr std::size_t kLongHead = 16;
  int indices = 0;
  bool has_fragments = false;
  while (file.bytes_left() >= kHead) {
    const Bytes box = file.peek(kLongHead);
    const Bytes type = skip_bytes(box, 4);
    const bool is_long = big_endian(box, 4) == 1 && box.size() == kLongHead;
    const std::uint64_t size = is_long ? big_endian_64(skip_bytes(box, kHead)) : big_endian(box, 4);
    if (size < kHead) break;  // 0: it goes to the end of the file
    if (size > file.bytes_left()) return starts_with_one_of(type, kTypes) ? cut_short : whole;
    indices += starts_with(type, "moov") ? 1 : 0;
    has_fragments = has_fragments || starts_with(type, "moof");
    file.skip(size);
  }
  return indices > 1 && !has_fragments ? goes_on : whole;
}

constexpr std::string_view kAsfHeader{"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", 16};

/// Objects of type and size: the header, the data, indices. In a stream that was recorded the data does not
/// know its size and what follows is no object.
ContainerEnd end_of_asf(FileWalk& file) {
  constexpr std::string_view kData{"\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", 16};
  constexpr std::string_view kSimpleIndex{"\x90\x08\x00\x33\xB1\xE5\xCF\x11\x89\xF4\x00\xA0\xC9\x03\x49\xCB",
                                          16};
  constexpr std::string_view kIndex{"\xD3\x29\xE2\xD6\xDA\x35\xD1\x11\x90\x34\x00\xA0\xC9\x03\x49\xBE", 16};
  constexpr std::array kTypes = {kAsfHeader, kData, kSimpleIndex, kIndex};
  constexpr std::size_t kHead = 24;
  const std::uint64_t begin = file.position();
  while (file.bytes_left() >= kHead) {
    const Bytes object = file.peek(kHead);
    const std::uint64_t size = little_endian_64(skip_bytes(object, 16));
    if (!starts_with_one_of(object, kTypes) || size < kHead) return whole;
    if (file.position() > begin && starts_with(object, kAsfHeader)) return goes_on;
    if (size > file.bytes_left()) return cut_short;
    file.skip(size);
  }
  return whole;
}

/// Tags of type, size, time and stream, each followed by its size.
ContainerEnd end_of_flv(FileWalk& file) {
  constexpr std::size_t kHeader = 9;
  constexpr std::size_t kTag = 11;
  constexpr std::size_t kSizeOfTag = 4;
  if (file.bytes_left() < kHeader + kSizeOfTag) return cut_short;
  file.skip(big_endian(skip_bytes(file.peek(kHeader), 5), 4) + kSizeOfTag);
  while (file.bytes_left() > 0) {
    const Bytes tag = file.peek(kTag);
    if (starts_with(tag, "FLV\x01")) return goes_on;
    const bool is_known = tag[0] == 8 || tag[0] == 9 || tag[0] == 18;  // sound, image, script
    if (!is_known) return whole;
    if (tag.size() < kTag) return cut_short;
    const std::uint64_t size = kTag + big_endian(skip_bytes(tag, 1), 3);
    if (size > file.bytes_left()) return cut_short;
    file.skip(size + kSizeOfTag);
  }
  return whole;
}

bool is_mp4(Bytes start) {
  constexpr std::array<std::string_view, 6> kFirst = {"ftyp", "moov", "mdat", "wide", "free", "skip"};
  return starts_with_one_of(skip_bytes(start, 4), kFirst);
}

}  // namespace

ContainerEnd examine_end(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) return whole;
  FileWalk file(path);
  constexpr std::size_t kStart = 16;
  const Bytes start = file.peek(kStart);
  if (start.size() < kStart) return whole;
  if (starts_with(start, "GIF8")) return end_of_gif(file);
  if (starts_with(start, "RIFF") && starts_with(skip_bytes(start, 8), "AVI ")) return end_of_avi(file);
  if (starts_with(start, kAsfHeader)) return end_of_asf(file);
  if (starts_with(start, "FLV\x01")) return end_of_flv(file);
  if (is_mp4(start)) return end_of_mp4(file);
  if (is_matroska(file)) return matroska_is_cut(file) ? cut_short : whole;
  return whole;
}

}  // namespace streamdiffusion
