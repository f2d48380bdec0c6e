#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/errors.h"
#include "model/single_file/autoencoder_names.h"
#include "model/single_file/ema_names.h"
#include "model/single_file/text_encoder_names.h"
#include "model/tensors.h"
#include "model/weights/original_unet_names.h"

namespace streamdiffusion {
namespace {

using Names = std::vector<std::string>;

Names names_of(const std::map<std::string, FileTensor>& tensors) {
  Names names;
  for (const auto& [name, tensor] : tensors) {
    names.push_back(name);
  }
  return names;
}

std::map<std::string, FileTensor> tensors_named(const Names& names) {
  std::map<std::string, FileTensor> tensors;
  for (const std::string& name : names) {
    tensors[name] = {};
  }
  return tensors;
}

TEST(OriginalUNetNames, GoBothWays) {
  const Names current = {"conv_in",
                         "time_embedding.linear_2",
                         "down_blocks.0.resnets.0.norm1",
                         "down_blocks.0.resnets.1.conv_shortcut",
                         "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
                         "down_blocks.0.attentions.1.proj_in",
                         "down_blocks.0.downsamplers.0.conv",
                         "down_blocks.1.resnets.0.time_emb_proj",
                         "down_blocks.1.resnets.1.conv1",
                         "mid_block.resnets.0.conv1",
                         "mid_block.attentions.0.norm",
                         "mid_block.resnets.1.norm2",
                         "up_blocks.0.resnets.0.conv1",
                         "up_blocks.0.resnets.1.conv1",
                         "up_blocks.0.upsamplers.0.conv",
                         "up_blocks.1.resnets.0.conv2",
                         "up_blocks.1.attentions.0.proj_in",
                         "up_blocks.1.upsamplers.0.conv",
                         "conv_norm_out",
                         "conv_out"};
  const Names original = {"input_blocks.0.0",
                          "time_embed.2",
                          "input_blocks.1.0.in_layers.0",
                          "input_blocks.2.0.skip_connection",
                          "input_blocks.1.1.transformer_blocks.0.attn1.to_q",
                          "input_blocks.2.1.proj_in",
                          "input_blocks.3.0.op",
                          "input_blocks.4.0.emb_layers.1",
                          "input_blocks.5.0.in_layers.2",
                          "middle_block.0.in_layers.2",
                          "middle_block.1.norm",
                          "middle_block.2.out_layers.0",
                          "output_blocks.0.0.in_layers.2",
                          "output_blocks.1.0.in_layers.2",
                          "output_blocks.1.1.conv",
                          "output_blocks.2.0.out_layers.3",
                          "output_blocks.2.1.proj_in",
                          "output_blocks.2.2.conv",
                          "out.0",
                          "out.2"};
  const OriginalUNetNames from_current = OriginalUNetNames::from_current(current);
  const OriginalUNetNames from_original = OriginalUNetNames::from_original(original);
  for (std::size_t i = 0; i < current.size(); ++i) {
    EXPECT_EQ(from_current.to_original(current[i]), original[i]);
    EXPECT_EQ(from_current.to_current(original[i]), current[i]);
    EXPECT_EQ(from_original.to_original(current[i]), original[i]);
    EXPECT_EQ(from_original.to_current(original[i]), current[i]);
  }
}

TEST(OriginalUNetNames, WhatIsNoLayerHasNoOtherName) {
  const OriginalUNetNames names = OriginalUNetNames::from_original({"input_blocks.1.0.in_layers.2"});
  for (const char* const name :
       {"", ".", "input_blocks", "input_blocks.1", "input_blocks.1.0", "input_blocks.1.0.",
        "input_blocks.9.0.in_layers.2", "input_blocks.1.0.conv1", "middle_block.0", "label_emb.0.0"}) {
    EXPECT_EQ(names.to_current(name), std::nullopt) << name;
  }
}

TEST(EmaNames, GetTheirDotsBack) {
  for (const std::string name :
       {"time_embed.0.weight", "input_blocks.0.0.bias", "input_blocks.1.0.in_layers.2.weight",
        "input_blocks.11.0.op.bias", "input_blocks.10.1.transformer_blocks.0.attn1.to_out.0.weight",
        "output_blocks.2.2.conv.bias", "middle_block.1.transformer_blocks.10.ff.net.0.proj.weight",
        "middle_block.1.transformer_blocks.0.ff.net.2.bias", "output_blocks.3.1.norm.weight",
        "output_blocks.3.1.transformer_blocks.0.norm3.weight", "out.0.weight", "out.2.bias",
        "middle_block.0.skip_connection.weight", "middle_block.2.out_layers.3.bias",
        "middle_block.2.emb_layers.1.bias", "output_blocks.3.1.proj_out.weight",
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"}) {
    std::string flat = name;
    std::erase(flat, '.');
    EXPECT_EQ(from_ema_name(flat), name);
  }
  for (const char* const name : {"", "3", "decay", "input_blocks00weightx", "num_updates"}) {
    EXPECT_EQ(from_ema_name(name), std::nullopt) << name;
  }
}

TEST(AutoencoderNames, AreThoseOfDiffusers) {
  const auto renamed = autoencoder_tensors(
      tensors_named({"encoder.conv_in.weight", "encoder.down.0.block.1.nin_shortcut.bias",
                     "encoder.down.2.downsample.conv.weight", "encoder.mid.block_1.norm1.weight",
                     "encoder.mid.attn_1.norm.bias", "encoder.mid.attn_1.q.weight",
                     "encoder.mid.attn_1.proj_out.weight", "encoder.norm_out.bias",
                     "decoder.up.0.block.0.conv1.weight", "decoder.up.1.block.0.conv1.weight",
                     "decoder.up.2.block.0.conv1.weight", "decoder.up.2.upsample.conv.bias",
                     "decoder.mid.block_2.conv2.weight", "quant_conv.weight",
                     "loss.discriminator.main.0.weight"}),
      "file");
  EXPECT_EQ(
      names_of(renamed),
      (Names{"decoder.mid_block.resnets.1.conv2.weight", "decoder.up_blocks.0.resnets.0.conv1.weight",
             "decoder.up_blocks.0.upsamplers.0.conv.bias", "decoder.up_blocks.1.resnets.0.conv1.weight",
             "decoder.up_blocks.2.resnets.0.conv1.weight", "encoder.conv_in.weight",
             "encoder.conv_norm_out.bias", "encoder.down_blocks.0.resnets.1.conv_shortcut.bias",
             "encoder.down_blocks.2.downsamplers.0.conv.weight",
             "encoder.mid_block.attentions.0.group_norm.bias",
             "encoder.mid_block.attentions.0.to_out.0.weight", "encoder.mid_block.attentions.0.to_q.weight",
             "encoder.mid_block.resnets.0.norm1.weight", "quant_conv.weight"}));
}

TEST(AutoencoderNames, TwoThatBecomeOneAreAnError) {
  expect_error(
      [] {
        autoencoder_tensors(tensors_named({"encoder.norm_out.bias", "encoder.conv_norm_out.bias"}), "file");
      },
      {"file", "encoder.conv_norm_out.bias", "twice"});
}

TEST(OpenClipNames, FusedProjectionsAreTakenApartInTheirOrder) {
  Tensors tensors;
  tensors.add("transformer.resblocks.0.attn.in_proj_weight", {3, 1}, {1, 2, 3});
  tensors.add("transformer.resblocks.0.attn.in_proj_bias", {6}, {1, 2, 3, 4, 5, 6});
  const auto renamed = open_clip_text_tensors(tensors.all(), "file");
  EXPECT_EQ(floats(renamed.at("encoder.layers.0.self_attn.q_proj.weight")), std::vector<float>{1});
  EXPECT_EQ(floats(renamed.at("encoder.layers.0.self_attn.k_proj.weight")), std::vector<float>{2});
  EXPECT_EQ(floats(renamed.at("encoder.layers.0.self_attn.v_proj.bias")), (std::vector<float>{5, 6}));
  EXPECT_EQ(renamed.at("encoder.layers.0.self_attn.q_proj.weight").shape, (std::vector<std::int64_t>{1, 1}));
}

}  // namespace
}  // namespace streamdiffusion
