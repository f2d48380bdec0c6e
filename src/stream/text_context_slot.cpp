#include "stream/text_context_slot.h"

#include <cstddef>
#include <utility>

namespace streamdiffusion {

namespace {

/// Returns the view of `copy` that corresponds to the view `part` of `original`.
Tensor counterpart(Tensor part, const Tensor& original, const Tensor& copy) {
  part.data = copy.as<std::byte>() + (part.as<std::byte>() - original.as<std::byte>());
  return part;
}

/// Allocates memory for a copy of `text`, with the same layout.
TextContext make_room_for(Device& device, const TextContext& text) {
  const Tensor& original = text.memory.view();
  TextContext room{.memory = DeviceTensor(device, original.shape, original.dtype), .keys = {}, .values = {}};
  for (const Tensor& keys : text.keys) {
    room.keys.push_back(counterpart(keys, original, room.memory.view()));
  }
  for (const Tensor& values : text.values) {
    room.values.push_back(counterpart(values, original, room.memory.view()));
  }
  return room;
}

}  // namespace

void TextContextSlot::set(Device& device, const std::shared_ptr<const TextContext>& text) {
  if (text == original_) {
    return;
  }
  const Tensor& original = text->memory.view();
  const Tensor& present = copy_.memory.view();
  if (present.empty() || present.shape != original.shape) {
    copy_ = make_room_for(device, *text);
  }
  original_.reset();  // remains null if the copy fails
  device.copy(original, copy_.memory.view());
  original_ = text;
}

}  // namespace streamdiffusion
