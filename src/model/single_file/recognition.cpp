#include "model/single_file/recognition.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

// Heads of each transformer in Stable Diffusion 1.
constexpr std::int64_t kHeads = 8;
// Channels of each head in Stable Diffusion 2's transformers and in both text encoders.
constexpr std::int64_t kHeadChannels = 64;
// Far above any model; limits the work for a stranger's file.
constexpr std::int64_t kMostBlocksCounted = 64;

/// Queries about a network's architecture, answered by the names and shapes of its tensors.
class Evidence {
 public:
  explicit Evidence(const TensorFiles& files) : files_(files) {}

  /// True if there are tensors inside a module.
  [[nodiscard]] bool has_module(const std::string& module) const {
    const auto found = files_.tensors().lower_bound(module + ".");
    return found != files_.tensors().end() && found->first.starts_with(module + ".");
  }

  /// Returns the number of modules `modules`.0, `modules`.1 and so on, at most kMostBlocksCounted.
  [[nodiscard]] std::int64_t count(const std::string& modules) const {
    std::int64_t number = 0;
    while (number < kMostBlocksCounted && has_module(modules + "." + std::to_string(number))) {
      ++number;
    }
    return number;
  }

  [[nodiscard]] std::size_t rank(const std::string& name) const { return get(name).shape.size(); }

  [[nodiscard]] std::int64_t extent(const std::string& name, std::size_t axis) const {
    const FileTensor& tensor = get(name);
    if (axis >= tensor.shape.size()) {
      throw FileError(files_.where() + ": tensor \"" + name + "\" has only " +
                      std::to_string(tensor.shape.size()) +
                      " dimensions; the file is damaged or of another architecture");
    }
    return tensor.shape[axis];
  }

  /// The beginning of error messages about the configuration.
  [[nodiscard]] std::string where() const { return files_.where() + " (recognised from its tensors)"; }

 private:
  [[nodiscard]] const FileTensor& get(const std::string& name) const {
    const FileTensor* const tensor = files_.find(name);
    if (tensor == nullptr) {
      throw FileError(files_.where() + ": has no tensor \"" + name +
                      "\" (as diffusers calls it); the file is cut, damaged or of another architecture");
    }
    return *tensor;
  }

  const TensorFiles& files_;
};

std::string numbered(const std::string& name, std::int64_t number) {
  return name + "." + std::to_string(number);
}

/// Returns the first transformer of a UNet on a level; level 0 is the finest. The coarsest level may have one
/// in the mid block only.
std::optional<std::string> find_transformer(const Evidence& unet, std::int64_t level, std::int64_t levels) {
  const std::string candidates[] = {numbered("down_blocks", level) + ".attentions.0",
                                    numbered("up_blocks", levels - 1 - level) + ".attentions.0",
                                    "mid_block.attentions.0"};
  const auto* const end = std::end(candidates) - (level + 1 == levels ? 0 : 1);
  const auto* const found = std::find_if(std::begin(candidates), end,
                                         [&](const std::string& each) { return unet.has_module(each); });
  return found == end ? std::nullopt : std::optional(*found);
}

std::string any_transformer(const Evidence& unet, const TensorFiles& files) {
  const std::int64_t levels = unet.count("down_blocks");
  for (std::int64_t level = 0; level < levels; ++level) {
    if (const std::optional<std::string> found = find_transformer(unet, level, levels)) {
      return *found;
    }
  }
  throw FileError(files.where() + ": its UNet has no attention to a prompt; it is of another architecture");
}

/// Returns the class of each block, which depends on whether it has attention.
json block_types(const Evidence& unet, const std::string& blocks, const std::string& type) {
  json types = json::array();
  for (std::int64_t i = 0; i < unet.count(blocks); ++i) {
    types.push_back((unet.has_module(numbered(blocks, i) + ".attentions") ? "CrossAttn" : "") + type);
  }
  return types;
}

json mid_block_type(const Evidence& unet) {
  if (!unet.has_module("mid_block")) {
    return nullptr;
  }
  return unet.has_module("mid_block.attentions") ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D";
}

}  // namespace

Family recognise_family(const TensorFiles& unet) {
  const Evidence evidence(unet);
  return evidence.rank(any_transformer(evidence, unet) + ".proj_in.weight") == 2 ? Family::sd2 : Family::sd1;
}

UNet2DConditionConfig recognise_unet(const TensorFiles& unet, std::int64_t sample_size) {
  const Evidence evidence(unet);
  const Family family = recognise_family(unet);
  const std::int64_t text_channels =
      evidence.extent(any_transformer(evidence, unet) + ".transformer_blocks.0.attn2.to_k.weight", 1);
  json config = {{"sample_size", sample_size},
                 {"in_channels", evidence.extent("conv_in.weight", 1)},
                 {"out_channels", evidence.extent("conv_out.weight", 0)},
                 {"down_block_types", block_types(evidence, "down_blocks", "DownBlock2D")},
                 {"mid_block_type", mid_block_type(evidence)},
                 {"up_block_types", block_types(evidence, "up_blocks", "UpBlock2D")},
                 {"cross_attention_dim", text_channels},
                 {"use_linear_projection", family == Family::sd2}};
  const std::int64_t levels = evidence.count("down_blocks");
  for (std::int64_t level = 0; level < levels; ++level) {
    const std::string block = numbered("down_blocks", level);
    const std::int64_t channels = evidence.extent(block + ".resnets.0.conv1.weight", 0);
    const std::optional<std::string> transformer = find_transformer(evidence, level, levels);
    config["block_out_channels"].push_back(channels);
    config["layers_per_block"].push_back(evidence.count(block + ".resnets"));
    config["attention_head_dim"].push_back(
        family == Family::sd2 ? std::max<std::int64_t>(channels / kHeadChannels, 1) : kHeads);
    config["transformer_layers_per_block"].push_back(
        transformer ? evidence.count(*transformer + ".transformer_blocks") : 1);
  }
  return parse_unet_config(config.dump(), evidence.where());
}

ClipTextConfig recognise_text_encoder(const TensorFiles& text_encoder, Family family) {
  const Evidence evidence(text_encoder);
  const std::string tokens = "embeddings.token_embedding.weight";
  const std::int64_t channels = evidence.extent(tokens, 1);
  const json config = {
      {"vocab_size", evidence.extent(tokens, 0)},
      {"hidden_size", channels},
      {"intermediate_size", evidence.extent("encoder.layers.0.mlp.fc1.weight", 0)},
      {"num_hidden_layers", evidence.count("encoder.layers")},
      {"num_attention_heads", std::max<std::int64_t>(channels / kHeadChannels, 1)},
      {"max_position_embeddings", evidence.extent("embeddings.position_embedding.weight", 0)},
      {"hidden_act", family == Family::sd2 ? "gelu" : "quick_gelu"}};
  return parse_clip_text_config(config.dump(), evidence.where());
}

AutoencoderKLConfig recognise_autoencoder(const TensorFiles& autoencoder) {
  const Evidence evidence(autoencoder);
  json config = {{"in_channels", evidence.extent("encoder.conv_in.weight", 1)},
                 {"out_channels", evidence.extent("decoder.conv_out.weight", 0)},
                 {"latent_channels", evidence.extent("decoder.conv_in.weight", 1)},
                 {"layers_per_block", evidence.count("encoder.down_blocks.0.resnets")},
                 {"mid_block_add_attention", evidence.has_module("encoder.mid_block.attentions")},
                 {"use_quant_conv", evidence.has_module("quant_conv")},
                 {"use_post_quant_conv", evidence.has_module("post_quant_conv")}};
  for (std::int64_t level = 0; level < evidence.count("encoder.down_blocks"); ++level) {
    config["block_out_channels"].push_back(
        evidence.extent(numbered("encoder.down_blocks", level) + ".resnets.0.conv1.weight", 0));
    config["down_block_types"].push_back("DownEncoderBlock2D");
    config["up_block_types"].push_back("UpDecoderBlock2D");
  }
  return parse_autoencoder_kl_config(config.dump(), evidence.where());
}

}  // namespace streamdiffusion
