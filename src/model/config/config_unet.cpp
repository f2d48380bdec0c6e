#include <algorithm>
#include <string>
#include <vector>

#include "model/config/config.h"
#include "model/config/config_fields.h"
#include "model/files/json.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBlocks = 16;  // Each but the last halves the sides: 2^15, beyond any image.

/// True for each block whose class has attention. The oldest files begin the names with "UNetRes".
std::vector<bool> read_attention(ConfigFields& fields, const std::string& name, const std::string& with,
                                 const std::string& without, const std::vector<std::string>& otherwise) {
  std::vector<bool> attention;
  for (std::string type : fields.texts(name, otherwise)) {
    if (type.starts_with("UNetRes")) {
      type.erase(0, 7);
    }
    if (type != with && type != without) {
      fields.fail_unsupported(name, with + " and " + without);
    }
    attention.push_back(type == with);
  }
  if (attention.empty() || attention.size() > kMostBlocks) {
    fields.fail(name, "must have 1 to " + std::to_string(kMostBlocks) + " blocks");
  }
  return attention;
}

void read_blocks(ConfigFields& fields, UNet2DConditionConfig& config) {
  config.down_attention =
      read_attention(fields, "down_block_types", "CrossAttnDownBlock2D", "DownBlock2D",
                     {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"});
  config.up_attention =
      read_attention(fields, "up_block_types", "CrossAttnUpBlock2D", "UpBlock2D",
                     {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"});
  config.block_out_channels = fields.integers("block_out_channels", {320, 640, 1280, 1280}, 1, kMostChannels);
  const std::size_t blocks = config.down_attention.size();
  if (config.up_attention.size() != blocks) {
    fields.fail("up_block_types", "must have as many entries as down_block_types");
  }
  if (config.block_out_channels.size() != blocks) {
    fields.fail("block_out_channels", "must have as many entries as down_block_types");
  }
}

/// An absent mid_block_type means the default, but null means that there is no mid block.
void read_mid_block(ConfigFields& fields, UNet2DConditionConfig& config) {
  const bool none = fields.has_field("mid_block_type") && fields.is_absent("mid_block_type");
  const std::string type = fields.text("mid_block_type", none ? "" : "UNetMidBlock2DCrossAttn");
  if (!type.empty() && type != "UNetMidBlock2DCrossAttn" && type != "UNetMidBlock2D") {
    fields.fail_unsupported("mid_block_type", "UNetMidBlock2DCrossAttn, UNetMidBlock2D or null");
  }
  config.mid_block = !type.empty();
  config.mid_attention = type == "UNetMidBlock2DCrossAttn";
}

/// Reads one integer for all blocks, one per block, or one per layer of a block (all equal in a block).
std::vector<std::int64_t> read_transformer_layers(ConfigFields& fields, std::size_t blocks) {
  static const char* const kName = "transformer_layers_per_block";
  const json& value = fields.take(kName);
  const bool nested =
      value.is_array() && std::ranges::any_of(value, [](const json& each) { return each.is_array(); });
  if (!nested) {
    return fields.integer_per_block(kName, 1, blocks, kMostLayers);
  }
  std::vector<std::int64_t> layers;
  for (const json& block : value) {
    const json& first = block.is_array() && !block.empty() ? block.front() : block;
    const bool alike =
        !block.is_array() || std::ranges::all_of(block, [&](const json& each) { return each == first; });
    if (!alike || !first.is_number_unsigned() || first.get<std::uint64_t>() < 1 ||
        first.get<std::uint64_t>() > kMostLayers) {
      fields.fail_unsupported(kName, "one number of 1 to 64 for each block");
    }
    layers.push_back(first.get<std::int64_t>());
  }
  if (layers.size() != blocks) {
    fields.fail(kName, "must have one entry for each block");
  }
  return layers;
}

/// Accepts the up blocks' numbers of layers only if they mirror those of the down blocks.
void check_reverse_transformer_layers(ConfigFields& fields, const UNet2DConditionConfig& config) {
  static const char* const kName = "reverse_transformer_layers_per_block";
  const json& value = fields.take(kName);
  if (value.is_null()) {
    return;
  }
  std::vector<std::int64_t> expected(config.transformer_layers_per_block.rbegin(),
                                     config.transformer_layers_per_block.rend());
  bool same = value.is_array() && value.size() == expected.size();
  for (std::size_t i = 0; same && i < expected.size(); ++i) {
    const auto matches = [&](const json& each) { return each == json(expected[i]); };
    same = value[i].is_array() ? std::ranges::all_of(value[i], matches) : matches(value[i]);
  }
  if (!same) {
    fields.fail_unsupported(kName, "the reverse of transformer_layers_per_block");
  }
}

/// Reads the heads from attention_head_dim, where diffusers keeps them. diffusers refuses
/// num_attention_heads, so it may only repeat that value.
void read_heads(ConfigFields& fields, UNet2DConditionConfig& config) {
  const std::size_t blocks = config.block_out_channels.size();
  config.heads = fields.integer_per_block("attention_head_dim", 8, blocks, kMostChannels);
  if (!fields.is_absent("num_attention_heads") &&
      fields.integer_per_block("num_attention_heads", 1, blocks, kMostChannels) != config.heads) {
    fields.fail_unsupported("num_attention_heads", "null");
  }
  fields.ignore({"num_attention_heads"});
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::int64_t channels = config.block_out_channels[block];
    const bool mid = block + 1 == blocks && config.mid_block && config.mid_attention;
    const bool used = config.down_attention[block] || config.up_attention[blocks - 1 - block] || mid;
    if (used && channels % config.heads[block] != 0) {
      fields.fail("attention_head_dim", "must divide block_out_channels; " +
                                            std::to_string(config.heads[block]) + " does not divide " +
                                            std::to_string(channels));
    }
  }
}

/// Reads a number, height and width (the smaller one counts), or null.
std::int64_t read_sample_size(ConfigFields& fields, std::int64_t otherwise) {
  constexpr std::int64_t kLargest = 1 << 14;  // In latent pixels: sides of 131,072, beyond any image.
  if (!fields.take("sample_size").is_array()) {
    return fields.integer("sample_size", otherwise, 1, kLargest);
  }
  const std::vector<std::int64_t> sides = fields.integers("sample_size", {}, 1, kLargest);
  if (sides.size() != 2) {
    fields.fail("sample_size", "must be a number or height and width");
  }
  return std::ranges::min(sides);
}

void read_norm(ConfigFields& fields, UNet2DConditionConfig& config) {
  if (fields.has_field("norm_num_groups") && fields.is_absent("norm_num_groups")) {
    fields.fail_unsupported("norm_num_groups", "a number");
  }
  config.norm_num_groups = read_norm_groups(fields, config.block_out_channels);
  config.norm_eps = static_cast<float>(fields.number("norm_eps", 1e-5));
  if (!(config.norm_eps > 0 && config.norm_eps < 1)) {
    fields.fail("norm_eps", "must be above 0 and below 1");
  }
}

void read_time_embedding(ConfigFields& fields, UNet2DConditionConfig& config) {
  config.flip_sin_to_cos = fields.boolean("flip_sin_to_cos", true);
  config.freq_shift = fields.integer("freq_shift", 0, 0, 1);
  config.time_cond_proj_dim = fields.integer("time_cond_proj_dim", 0, 1, kMostChannels);
  fields.require_value("time_embedding_type", "positional");
  fields.require_value("time_embedding_dim", 4 * config.block_out_channels.front());
  fields.require_off({"time_embedding_act_fn", "timestep_post_act"});
  if (config.block_out_channels.front() % 2 != 0) {
    fields.fail("block_out_channels", "must begin with an even number");
  }
}

/// Refuses variants that diffusers can build and this library cannot.
void refuse_other_architectures(ConfigFields& fields) {
  fields.require_value("act_fn", "silu");
  fields.require_value("conv_in_kernel", 3);
  fields.require_value("conv_out_kernel", 3);
  fields.require_value("downsample_padding", 1);
  fields.require_value("mid_block_scale_factor", 1);
  fields.require_value("resnet_out_scale_factor", 1);
  fields.require_value("resnet_time_scale_shift", "default");
  fields.require_value("attention_type", "default");
  fields.require_off({"center_input_sample", "only_cross_attention", "mid_block_only_cross_attention",
                      "dual_cross_attention", "encoder_hid_dim", "encoder_hid_dim_type", "class_embed_type",
                      "num_class_embeds", "class_embeddings_concat", "projection_class_embeddings_input_dim",
                      "addition_embed_type", "addition_time_embed_dim", "resnet_skip_time_act",
                      "cross_attention_norm"});
}

}  // namespace

UNet2DConditionConfig parse_unet_config(const std::string& text, const std::string& where) {
  ConfigFields fields(text, where);
  UNet2DConditionConfig config;
  fields.require_value("_class_name", "UNet2DConditionModel");
  refuse_other_architectures(fields);

  config.sample_size = read_sample_size(fields, config.sample_size);
  config.in_channels = fields.integer("in_channels", 4, 1, kMostChannels);
  config.out_channels = fields.integer("out_channels", 4, 1, kMostChannels);
  if (config.in_channels != config.out_channels) {
    fields.fail("in_channels",
                "must equal out_channels (models for inpainting or editing have more channels going "
                "in, and are not supported)");
  }
  read_blocks(fields, config);
  read_mid_block(fields, config);
  const std::size_t blocks = config.block_out_channels.size();
  config.layers_per_block = fields.integer_per_block("layers_per_block", 2, blocks, kMostLayers);
  config.layers_per_up_block.assign(config.layers_per_block.rbegin(), config.layers_per_block.rend());
  config.transformer_layers_per_block = read_transformer_layers(fields, blocks);
  check_reverse_transformer_layers(fields, config);
  config.cross_attention_dim = fields.integer_per_block("cross_attention_dim", 1280, blocks, kMostChannels);
  read_heads(fields, config);
  config.use_linear_projection = fields.boolean("use_linear_projection", false);
  read_norm(fields, config);
  read_time_embedding(fields, config);

  // Ignored: precision, training, and the size of an embedding that is off.
  fields.ignore({"upcast_attention", "dropout", "addition_embed_type_num_heads"});
  fields.check_all_known();
  return config;
}

}  // namespace streamdiffusion
