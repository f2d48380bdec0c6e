#include "stream/text_place.h"

namespace streamdiffusion {

namespace {

/// The same part of `copy` as `part` is of `original`.
Tensor counterpart(Tensor part, const Tensor& original, const Tensor& copy) {
  part.data = copy.as<std::byte>() + (part.as<std::byte>() - original.as<std::byte>());
  return part;
}

}  // namespace

void TextPlace::set(Device& device, const std::shared_ptr<const TextContext>& text) {
  if (text == original_) {
    return;
  }
  const Tensor& original = text->memory.view();
  if (copy_.memory.view().shape != original.shape || copy_.memory.view().empty()) {
    copy_ = {.memory = DeviceTensor(device, original.shape, original.dtype), .keys = {}, .values = {}};
    for (const Tensor& keys : text->keys) {
      copy_.keys.push_back(counterpart(keys, original, copy_.memory.view()));
    }
    for (const Tensor& values : text->values) {
      copy_.values.push_back(counterpart(values, original, copy_.memory.view()));
    }
  }
  device.copy(original, copy_.memory.view());
  original_ = text;
}

}  // namespace streamdiffusion
