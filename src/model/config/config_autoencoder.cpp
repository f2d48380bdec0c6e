#include <algorithm>
#include <string>
#include <vector>

#include "model/config/config.h"
#include "model/config/config_fields.h"

namespace streamdiffusion {
namespace {

constexpr std::size_t kBlocks = 4;  // Each but the last halves the image's sides.
static_assert(kPixelsPerLatent == 1 << (kBlocks - 1));

void require_four_blocks(ConfigFields& fields, const std::string& name, std::size_t blocks) {
  if (blocks != kBlocks) {
    fields.fail(name,
                "must have 4 entries (latents eight times smaller a side), not " + std::to_string(blocks));
  }
}

std::vector<std::int64_t> tiny_channels(ConfigFields& fields, const std::string& name) {
  std::vector<std::int64_t> channels = fields.integers(name, {64, 64, 64, 64}, 1, kMostChannels);
  require_four_blocks(fields, name, channels.size());
  if (std::ranges::any_of(channels, [&](std::int64_t each) { return each != channels.front(); })) {
    fields.fail_unsupported(name, "the same number four times");
  }
  return channels;
}

std::vector<std::int64_t> tiny_blocks(ConfigFields& fields, const std::string& name,
                                      const std::vector<std::int64_t>& otherwise) {
  std::vector<std::int64_t> blocks = fields.integers(name, otherwise, 0, kMostLayers);
  require_four_blocks(fields, name, blocks.size());
  return blocks;
}

void require_block_type(ConfigFields& fields, const std::string& name, const std::string& type) {
  const std::vector<std::string> types = fields.texts(name, {type});
  if (std::ranges::any_of(types, [&](const std::string& each) { return each != type; })) {
    fields.fail_unsupported(name, type);
  }
  require_four_blocks(fields, name, types.size());
}

float read_scaling_factor(ConfigFields& fields, double otherwise) {
  const auto factor = static_cast<float>(fields.number("scaling_factor", otherwise));
  if (!(factor > 0 && factor < 1e6F)) {
    fields.fail("scaling_factor", "must be above 0 and below a million");
  }
  return factor;
}

/// Reads the numbers of channels of images, which are RGB, and of latents.
template <typename Config>
void read_channels(ConfigFields& fields, Config& config) {
  config.in_channels = fields.integer("in_channels", 3, 3, 3);
  config.out_channels = fields.integer("out_channels", 3, 3, 3);
  config.latent_channels = fields.integer("latent_channels", 4, 1, kMostChannels);
}

}  // namespace

AutoencoderTinyConfig parse_autoencoder_tiny_config(const std::string& text, const std::string& where) {
  ConfigFields fields(text, where);
  AutoencoderTinyConfig config;
  fields.require_value("_class_name", "AutoencoderTiny");
  read_channels(fields, config);
  config.encoder_block_out_channels = tiny_channels(fields, "encoder_block_out_channels");
  config.decoder_block_out_channels = tiny_channels(fields, "decoder_block_out_channels");
  config.num_encoder_blocks = tiny_blocks(fields, "num_encoder_blocks", {1, 3, 3, 3});
  config.num_decoder_blocks = tiny_blocks(fields, "num_decoder_blocks", {3, 3, 3, 1});
  config.scaling_factor = read_scaling_factor(fields, 1.0);
  fields.require_value("act_fn", "relu");
  fields.require_value("upsample_fn", "nearest");
  fields.require_value("upsampling_scaling_factor", 2);
  fields.require_off({"shift_factor"});
  // Ignored: a copy of decoder_block_out_channels, the range of latents shown as images, and the precision.
  fields.ignore({"block_out_channels", "latent_magnitude", "latent_shift", "force_upcast"});
  fields.check_all_known();
  return config;
}

AutoencoderKLConfig parse_autoencoder_kl_config(const std::string& text, const std::string& where) {
  ConfigFields fields(text, where);
  AutoencoderKLConfig config;
  fields.require_value("_class_name", "AutoencoderKL");
  read_channels(fields, config);
  require_block_type(fields, "down_block_types", "DownEncoderBlock2D");
  require_block_type(fields, "up_block_types", "UpDecoderBlock2D");
  config.block_out_channels = fields.integers("block_out_channels", {64}, 1, kMostChannels);
  require_four_blocks(fields, "block_out_channels", config.block_out_channels.size());
  config.layers_per_block = fields.integer("layers_per_block", 1, 1, kMostLayers);
  config.norm_num_groups = read_norm_groups(fields, config.block_out_channels);
  config.mid_block_add_attention = fields.boolean("mid_block_add_attention", true);
  config.use_quant_conv = fields.boolean("use_quant_conv", true);
  config.use_post_quant_conv = fields.boolean("use_post_quant_conv", true);
  config.scaling_factor = read_scaling_factor(fields, 0.18215);
  fields.require_value("act_fn", "silu");
  fields.require_off({"shift_factor", "latents_mean", "latents_std"});
  fields.ignore({"sample_size", "force_upcast"});  // the training size and the precision
  fields.check_all_known();
  return config;
}

}  // namespace streamdiffusion
