// Tests of the names that trainers give to the tensors of LoRAs.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/weights/lora_file.h"
#include "model/weights/original_unet_names.h"

namespace streamdiffusion::tests {
namespace {

/// Reads a LoRA with a down and an up weight under these keys. Expects that it changes `layer`.
void expect_layer(const std::string& down, const std::string& up, Network network, const std::string& layer) {
  SCOPED_TRACE(down);
  LoraFile file;
  const bool conv = layer == "conv_in" || layer == "conv_out";
  const Lora lora = file.add(down, conv ? Shape{2, 3, 3, 3} : Shape{2, 3}).add(up, {4, 2}).read();
  EXPECT_TRUE(lora.unmatched().empty());
  ASSERT_NE(lora.find(network, layer), nullptr);
  EXPECT_EQ(lora_change(lora, network, layer).first.right->shape[0], 2);
}

TEST(Lora, KnowsTheNamings) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const std::string out = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0";
  const std::string attention = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";
  const std::string kohya = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
  expect_layer(kohya + ".lora_down.weight", kohya + ".lora_up.weight", Network::unet, q);
  expect_layer("unet." + q + ".lora_A.weight", "unet." + q + ".lora_B.weight", Network::unet, q);
  expect_layer("unet." + q + ".lora_A.default.weight", "unet." + q + ".lora_B.default.weight", Network::unet,
               q);
  expect_layer("base_model.model." + q + ".lora_A.weight", "base_model.model." + q + ".lora_B.weight",
               Network::unet, q);
  expect_layer("unet." + q + ".lora.down.weight", "unet." + q + ".lora.up.weight", Network::unet, q);
  expect_layer("unet." + q + ".lora_linear_layer.down.weight", "unet." + q + ".lora_linear_layer.up.weight",
               Network::unet, q);
  expect_layer("unet." + attention + ".processor.to_q_lora.down.weight",
               "unet." + attention + ".processor.to_q_lora.up.weight", Network::unet, q);
  expect_layer(attention + ".processor.to_out_lora.down.weight",
               attention + ".processor.to_out_lora.up.weight", Network::unet, out);
}

TEST(Lora, KnowsTheNamesOfTheOriginalBlocks) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"input_blocks_0_0", "conv_in"},
      {"time_embed_0", "time_embedding.linear_1"},
      {"input_blocks_1_0_in_layers_2", "down_blocks.0.resnets.0.conv1"},
      {"input_blocks_1_0_emb_layers_1", "down_blocks.0.resnets.0.time_emb_proj"},
      {"input_blocks_1_1_transformer_blocks_0_attn1_to_out_0",
       "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"},
      {"input_blocks_2_0_out_layers_3", "down_blocks.0.resnets.1.conv2"},
      {"input_blocks_3_0_op", "down_blocks.0.downsamplers.0.conv"},
      {"input_blocks_4_0_skip_connection", "down_blocks.1.resnets.0.conv_shortcut"},
      {"middle_block_1_proj_out", "mid_block.attentions.0.proj_out"},
      {"middle_block_2_in_layers_2", "mid_block.resnets.1.conv1"},
      {"output_blocks_1_1_conv", "up_blocks.0.upsamplers.0.conv"},
      {"output_blocks_2_1_proj_in", "up_blocks.1.attentions.0.proj_in"},
      {"output_blocks_2_2_conv", "up_blocks.1.upsamplers.0.conv"},
      {"out_2", "conv_out"},
  };
  for (const auto& [original, layer] : names) {
    expect_layer("lora_unet_" + original + ".lora_down.weight", "lora_unet_" + original + ".lora_up.weight",
                 Network::unet, layer);
  }
}

TEST(Lora, KnowsTheTextEncoder) {
  for (const std::string prefix : {"lora_te_text_model_", "lora_te1_text_model_", "lora_te_"}) {
    const std::string key = prefix + "encoder_layers_0_self_attn_q_proj";
    expect_layer(key + ".lora_down.weight", key + ".lora_up.weight", Network::text_encoder, kTextLayers[0]);
  }
  const std::string key = "text_encoder.text_model.encoder.layers.0.self_attn.";
  expect_layer(key + "out_proj.lora_linear_layer.down.weight", key + "out_proj.lora_linear_layer.up.weight",
               Network::text_encoder, kTextLayers[1]);
  expect_layer(key + "to_out_lora.down.weight", key + "to_out_lora.up.weight", Network::text_encoder,
               kTextLayers[1]);
  expect_layer(key + "q_proj.lora_A.weight", key + "q_proj.lora_B.weight", Network::text_encoder,
               kTextLayers[0]);
}

TEST(Lora, KnowsTheMakersPrefixes) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const std::string& text = kTextLayers[0];
  const std::string flat_text = "encoder_layers_0_self_attn_q_proj";
  const auto expect = [](const std::string& key, Network network, const std::string& layer) {
    expect_layer(key + ".lora_down.weight", key + ".lora_up.weight", network, layer);
  };
  expect("lycoris_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", Network::unet, q);
  expect("lycoris_text_model_" + flat_text, Network::text_encoder, text);
  expect("lycoris_" + flat_text, Network::text_encoder, text);
  expect("diffusion_model." + q, Network::unet, q);
  expect("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q", Network::unet, q);
  expect("text_encoders.clip_l.transformer.text_model." + text, Network::text_encoder, text);
  expect("text_encoders.clip_h.transformer.text_model." + text, Network::text_encoder, text);
  expect("unet.input_blocks.1.1.transformer_blocks.0.attn1.to_q", Network::unet, q);
  expect("clip_l.text_model." + text, Network::text_encoder, text);
  expect("base_model.model.text_model." + text, Network::text_encoder, text);
  expect("base_model.model." + text, Network::text_encoder, text);
}

}  // namespace
}  // namespace streamdiffusion::tests
