// Checks that any bytes give an Error or a safetensors file whose tensors can be read and tried as a LoRA.
#include "model/files/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/weights/lora.h"
#include "streamdiffusion/error.h"

namespace {

using namespace streamdiffusion;

constexpr LayerShape kConvIn = {4, 3, 9};

void convert_all(const SafeTensors& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    try {
      convert_to_float(tensor, values);
    } catch (const Error&) {
      continue;  // Tensors of integers cannot be read as floats.
    }
  }
}

void apply_as_lora(const std::shared_ptr<const SafeTensors>& file) {
  const Lora lora(file, {.unet = {{"conv_in", kConvIn}, {"down_blocks.0.resnets.0.conv1", {6, 4, 9}}},
                         .text_encoder = {{"encoder.layers.0.self_attn.q_proj", {4, 4, 1}}}});
  const LayerChange* const change = lora.find(Lora::Network::unet, "conv_in");
  if (change != nullptr && change->weight) {
    std::vector<float> weight(static_cast<std::size_t>(kConvIn.out * kConvIn.in * kConvIn.pixels));
    apply_change(*change->weight, 1, kConvIn, weight, weight);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  try {
    const auto file = SafeTensors::parse(bytes, "file");
    convert_all(*file);
    apply_as_lora(file);
  } catch (const Error&) {
  }
  return 0;
}
