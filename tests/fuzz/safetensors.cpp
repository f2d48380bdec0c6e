// Any bytes are either a safetensors file, whose tensors can be read and taken as a LoRA, or an Error.
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

constexpr std::int64_t kOut = 4;
constexpr std::int64_t kIn = 3;

void convert_all(const SafeTensors& file) {
  for (const auto& [name, tensor] : file.tensors()) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    try {
      convert_to_float(tensor, values);
    } catch (const Error&) {
      continue;  // integers
    }
  }
}

void apply_as_lora(const std::shared_ptr<const SafeTensors>& file) {
  const Lora lora(file, {"conv_in", "down_blocks.0.resnets.0.conv1"}, {"encoder.layers.0.self_attn.q_proj"});
  if (const LoraChange* const change = lora.find(Lora::Network::unet, "conv_in")) {
    std::vector<float> weight(kOut * kIn * 9);
    apply_change(*change, 1, {kOut, kIn, 9}, weight, weight, "conv_in");
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
