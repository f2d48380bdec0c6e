// Checks that tensors of any names and shapes, with any metadata, give an Error or a LoRA that changes a
// network's layers. The input's first line is peft's metadata and the adapter_config.json. Each further line
// is a tensor: its type (a letter), the extents of its shape (a digit each), a space and its name.
#include "model/weights/lora.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/weights/lora_metadata.h"
#include "streamdiffusion/error.h"

namespace {

using namespace streamdiffusion;

constexpr std::size_t kMostElements = 4096;

const Lora::Layers kLayers = {
    .unet = {{"conv_in", {4, 3, 9}},
             {"down_blocks.0.resnets.0.conv1", {6, 4, 9}},
             {"down_blocks.0.resnets.0.norm1", {4, 1, 1}},
             {"down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", {6, 6, 1}}},
    .text_encoder = {{"encoder.layers.0.self_attn.q_proj", {4, 4, 1}},
                     {"embeddings.token_embedding", {5, 4, 1}}}};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// Builds the safetensors file that the lines describe, filled with constant values.
std::string safetensors_file(std::string_view input) {
  nlohmann::json header = {{"__metadata__", {{"lora_adapter_metadata", take_line(input)}}}};
  std::string data;
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    const std::size_t space = std::min(line.find(' '), line.size());
    std::vector<std::size_t> shape;
    std::size_t elements = 1;
    for (const char extent :
         line.substr(std::min<std::size_t>(1, space), space - std::min<std::size_t>(1, space))) {
      shape.push_back(static_cast<std::size_t>(extent - '0') % 10);
      elements *= shape.back();
    }
    const bool integers = line.starts_with('i');
    if (elements > kMostElements) {
      continue;
    }
    const std::size_t begin = data.size();
    for (std::size_t i = 0; i < elements * (integers ? 8 : 2); ++i) {
      data += i % 2 == 1 ? '\x3c' : '\0';  // The bytes of 1 in float16.
    }
    header[std::string(line.substr(std::min(space + 1, line.size())))] = {
        {"dtype", integers ? "I64" : "F16"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>((text.size() >> (8 * i)) & 0xFFU);
  }
  return bytes + text + data;
}

void apply(const Lora& lora, Lora::Network network, const LayerShapes& layers) {
  for (const auto& [name, shape] : layers) {
    const LayerChange* const change = lora.find(network, name);
    if (change != nullptr && change->weight) {
      std::vector<float> weight(static_cast<std::size_t>(shape.out * shape.in * shape.pixels), 0.5F);
      apply_change(*change->weight, 0.7F, shape, weight, weight);
    }
    if (change != nullptr && change->bias) {
      std::vector<float> bias(static_cast<std::size_t>(shape.out), 0.5F);
      apply_change(*change->bias, 0.7F, {.out = shape.out, .in = 1}, bias);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string bytes = safetensors_file(input);
  try {
    const auto file = SafeTensors::parse(std::as_bytes(std::span(bytes)), "file");
    const Lora lora(file, kLayers, std::string(input.substr(0, input.find('\n'))));
    apply(lora, Lora::Network::unet, kLayers.unet);
    apply(lora, Lora::Network::text_encoder, kLayers.text_encoder);
  } catch (const Error&) {
  }
  static_cast<void>(
      read_lora_metadata({{"ss_tag_frequency", std::string(input)}, {"modelspec.title", std::string(input)}},
                         {std::string(input)}));
  return 0;
}
