#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "model/tensors.h"
#include "model/weights/lora.h"

// LoRAs in memory, for a model with few layers.
namespace streamdiffusion::tests {

using Network = Lora::Network;
using Shape = std::vector<std::int64_t>;

/// The layers of a small UNet: two down blocks (attention in the first), mid block, two up blocks.
inline const std::vector<std::string> kUNetLayers = {
    "conv_in",
    "time_embedding.linear_1",
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.resnets.0.time_emb_proj",
    "down_blocks.0.attentions.0.proj_in",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
    "down_blocks.0.resnets.1.conv2",
    "down_blocks.0.downsamplers.0.conv",
    "down_blocks.1.resnets.0.conv_shortcut",
    "mid_block.resnets.0.conv1",
    "mid_block.attentions.0.proj_out",
    "mid_block.resnets.1.conv1",
    "up_blocks.0.resnets.0.conv1",
    "up_blocks.0.resnets.1.conv1",
    "up_blocks.0.upsamplers.0.conv",
    "up_blocks.1.resnets.0.conv1",
    "up_blocks.1.attentions.0.proj_in",
    "up_blocks.1.upsamplers.0.conv",
    "conv_norm_out",
    "conv_out",
};
inline const std::vector<std::string> kTextLayers = {
    "encoder.layers.0.self_attn.q_proj", "encoder.layers.0.self_attn.out_proj", "encoder.layers.0.mlp.fc1",
    "embeddings.token_embedding"};

inline LayerShapes shapes_of(const std::vector<std::string>& layers, const LayerShape& shape) {
  LayerShapes shapes;
  for (const std::string& layer : layers) {
    shapes[layer] = shape;
  }
  return shapes;
}

/// All layers have 4 outputs and 3 inputs, except two convolutions and a norm.
inline Lora::Layers small_layers() {
  Lora::Layers layers{.unet = shapes_of(kUNetLayers, {4, 3, 1}),
                      .text_encoder = shapes_of(kTextLayers, {4, 3, 1})};
  layers.unet["conv_in"] = {4, 3, 9};
  layers.unet["conv_out"] = {4, 3, 9};
  layers.unet["conv_norm_out"] = {4, 1, 1};
  return layers;
}

/// Builds a LoRA file in memory and reads it.
class LoraFile {
 public:
  LoraFile& add(const std::string& key, const Shape& shape, std::vector<float> values = {}) {
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) {
      elements *= extent;
    }
    values.resize(static_cast<std::size_t>(elements), 1.0F);
    tensors_.add(key, shape, values);
    return *this;
  }
  [[nodiscard]] Lora read(const nlohmann::json& metadata = nlohmann::json::object()) const {
    bytes_ = with_metadata(tensors_, metadata);
    return {SafeTensors::parse(as_bytes(bytes_), "x.safetensors"), small_layers()};
  }
  /// Reads the file as one of peft's, with an adapter_config.json beside it.
  [[nodiscard]] Lora read_of_peft(const std::string& config) const {
    bytes_ = with_metadata(tensors_, nlohmann::json::object());
    return {SafeTensors::parse(as_bytes(bytes_), "x.safetensors"), small_layers(), config};
  }

 private:
  Tensors tensors_;
  mutable std::string bytes_;  // must outlive the LoRA
};

inline const LoraChange& lora_change(const Lora& lora, Network network, const std::string& layer) {
  return std::get<LoraChange>(lora.find(network, layer)->weight.value());
}

inline const TensorChange& tensor_change(const Lora& lora, const std::string& layer) {
  return std::get<TensorChange>(lora.find(Network::unet, layer)->weight.value());
}

}  // namespace streamdiffusion::tests
