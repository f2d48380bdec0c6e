#include "media/avif_structure.h"

#include <array>
#include <optional>
#include <vector>

namespace streamdiffusion {
namespace {

struct Box {
  Bytes type;     ///< The bytes from the four-letter type on.
  Bytes content;  ///< The bytes after length and type.
};

/// Removes the first box from `bytes`. Returns nothing at the end or if the length is invalid.
std::optional<Box> take_box(Bytes& bytes) {
  constexpr std::size_t kHeader = 8;
  if (bytes.size() < kHeader) return std::nullopt;
  const std::size_t length = big_endian(bytes, 4);
  if (length < kHeader || length > bytes.size()) return std::nullopt;
  const Box box{bytes.subspan(4), bytes.subspan(kHeader, length - kHeader)};
  bytes = bytes.subspan(length);
  return box;
}

/// The content of the first box of a type; empty if there is none.
Bytes find_box(Bytes bytes, std::string_view type) {
  while (const std::optional<Box> box = take_box(bytes)) {
    if (starts_with(box->type, type)) return box->content;
  }
  return {};
}

/// Bytes of version and flags that precede the content of some boxes.
constexpr std::size_t kVersionAndFlags = 4;

/// Removes a number of `size` bytes. Returns 0 if there are fewer bytes.
std::uint32_t take_number(Bytes& bytes, std::size_t size) {
  const std::uint32_t number = bytes.size() >= size ? big_endian(bytes, size) : 0;
  bytes = skip_bytes(bytes, size);
  return number;
}

/// Returns the properties of the item `wanted`, counted from 1 and in the order in which they apply.
std::vector<std::size_t> properties_of(Bytes associations, std::uint32_t wanted) {
  if (associations.size() < kVersionAndFlags) return {};
  const std::size_t id_size = associations[0] < 1 ? 2 : 4;
  const std::size_t index_size = (associations[3] & 1) != 0 ? 2 : 1;
  const std::uint32_t without_mark = index_size == 2 ? 0x7FFF : 0x7F;  // Masks the "essential" bit.
  associations = skip_bytes(associations, kVersionAndFlags);
  const std::uint32_t items = take_number(associations, 4);
  for (std::uint32_t i = 0; i < items && !associations.empty(); ++i) {
    const bool found = take_number(associations, id_size) == wanted;
    std::vector<std::size_t> properties(take_number(associations, 1));
    for (std::size_t& property : properties) property = take_number(associations, index_size) & without_mark;
    if (found) return properties;
  }
  return {};
}

/// The EXIF orientation for anticlockwise quarter turns, followed by an optional mirror.
int exif_orientation(std::uint32_t turns, std::optional<std::uint32_t> mirror) {
  constexpr std::array kTurned = {1, 8, 3, 6};
  constexpr std::array kTurnedTopToBottom = {4, 5, 2, 7};
  constexpr std::array kTurnedLeftToRight = {2, 7, 4, 5};
  if (!mirror) return kTurned[turns];
  return *mirror == 0 ? kTurnedTopToBottom[turns] : kTurnedLeftToRight[turns];
}

int orientation_of(const std::vector<Box>& boxes, const std::vector<std::size_t>& properties) {
  std::uint32_t turns = 0;
  std::optional<std::uint32_t> mirror;
  for (const std::size_t property : properties) {
    if (property < 1 || property > boxes.size() || boxes[property - 1].content.empty()) continue;
    const Box& box = boxes[property - 1];
    // A turn after a mirror equals the opposite turn before it.
    if (starts_with(box.type, "irot")) turns = (mirror ? 4U - (box.content[0] & 3U) : box.content[0]) & 3U;
    if (starts_with(box.type, "imir")) mirror = box.content[0] & 1U;
  }
  return exif_orientation(turns, mirror);
}

/// Returns the ICC profile among the properties; empty if there is none.
Bytes colour_profile_of(const std::vector<Box>& boxes, const std::vector<std::size_t>& properties) {
  constexpr std::size_t kKind = 4;
  for (const std::size_t property : properties) {
    if (property < 1 || property > boxes.size()) continue;
    const Box& box = boxes[property - 1];
    const bool is_profile = starts_with(box.content, "prof") || starts_with(box.content, "rICC");
    if (starts_with(box.type, "colr") && is_profile) return skip_bytes(box.content, kKind);
  }
  return {};
}

bool is_alpha(const Box& box) {
  constexpr std::string_view kMpegAlpha = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";
  return starts_with(box.type, "auxC") && starts_with(skip_bytes(box.content, kVersionAndFlags), kMpegAlpha);
}

}  // namespace

bool is_avif(Bytes bytes) {
  const Bytes type = skip_bytes(bytes, 4);
  return starts_with(type, "ftypavif") || starts_with(type, "ftypmif1");
}

AvifStructure examine_avif(Bytes bytes) {
  const Bytes meta = skip_bytes(find_box(bytes, "meta"), kVersionAndFlags);
  Bytes primary = find_box(meta, "pitm");
  const std::size_t id_size = !primary.empty() && primary[0] == 0 ? 2 : 4;
  primary = skip_bytes(primary, kVersionAndFlags);
  const Bytes properties = find_box(meta, "iprp");
  std::vector<Box> boxes;
  Bytes container = find_box(properties, "ipco");
  while (const std::optional<Box> box = take_box(container)) boxes.push_back(*box);
  const std::vector<std::size_t> of_primary =
      properties_of(find_box(properties, "ipma"), take_number(primary, id_size));
  return {.orientation = orientation_of(boxes, of_primary),
          .has_alpha = std::ranges::any_of(boxes, is_alpha),
          .colour_profile = colour_profile_of(boxes, of_primary)};
}

}  // namespace streamdiffusion
