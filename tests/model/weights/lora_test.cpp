#include "model/weights/lora.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/tensors.h"
#include "model/weights/original_unet_names.h"

namespace streamdiffusion {
namespace {

using Network = Lora::Network;
using Shape = std::vector<std::int64_t>;

/// Layers of a small UNet: two down blocks (attention in the first), mid block, two up blocks.
const std::vector<std::string> kUNetLayers = {
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
    "conv_out",
};
const std::vector<std::string> kTextLayers = {
    "encoder.layers.0.self_attn.q_proj", "encoder.layers.0.self_attn.out_proj", "encoder.layers.0.mlp.fc1"};

/// A LoRA file of a test.
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
    return {SafeTensors::parse(as_bytes(bytes_), "x.safetensors"), kUNetLayers, kTextLayers};
  }

 private:
  Tensors tensors_;
  mutable std::string bytes_;  // stays for the LoRA's lifetime
};

/// Reads a LoRA with one pair under these keys and expects it to change this layer.
void expect_layer(const std::string& down, const std::string& up, Network network, const std::string& layer) {
  SCOPED_TRACE(down);
  LoraFile file;
  const Lora lora = file.add(down, {2, 3}).add(up, {4, 2}).read();
  EXPECT_TRUE(lora.unmatched().empty());
  ASSERT_NE(lora.find(network, layer), nullptr);
  EXPECT_EQ(lora.find(network, layer)->first.right->shape, (Shape{2, 3}));
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

TEST(Lora, DividesAlphaByTheRank) {
  const Lora lora = LoraFile()
                        .add("lora_unet_conv_in.lora_down.weight", {4, 2, 3, 3})
                        .add("lora_unet_conv_in.lora_up.weight", {8, 4, 1, 1})
                        .add("lora_unet_conv_in.alpha", {}, {2})
                        .add("lora_unet_conv_out.lora_down.weight", {2, 8, 3, 3})
                        .add("lora_unet_conv_out.lora_up.weight", {4, 2, 1, 1})
                        .read();
  EXPECT_EQ(lora.find(Network::unet, "conv_in")->factor, 0.5F);
  EXPECT_EQ(lora.find(Network::unet, "conv_out")->factor, 1.0F);
  EXPECT_EQ(lora.find(Network::unet, "mid_block.resnets.0.conv1"), nullptr);
}

TEST(Lora, ReportsKeysThatMatchNothing) {
  const Lora lora = LoraFile()
                        .add("lora_unet_nowhere.lora_down.weight", {2, 3})
                        .add("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", {2, 3})
                        .add("something", {1})
                        .read();
  EXPECT_EQ(lora.unmatched().size(), 3U);
}

TEST(Lora, RefusesWhatItCannotCompute) {
  const auto expect = [](const LoraFile& file, const std::vector<std::string>& parts) {
    expect_error([&] { static_cast<void>(file.read()); }, parts);
  };
  expect(LoraFile().add("lora_unet_conv_in.lora_down.weight", {2, 3}), {"lora_unet_conv_in", "not both"});
  expect(LoraFile().add("unet.conv_in.lora_A.weight", {2, 3}).add("unet.conv_in.lora_B.weight", {4, 3}),
         {"unet.conv_in", "rank"});
  expect(LoraFile().add("unet.conv_in.lora_A.weight", {2, 3, 1}).add("unet.conv_in.lora_B.weight", {4, 2}),
         {"unet.conv_in", "dimensions"});
  expect(LoraFile()
             .add("unet.conv_in.lora_A.weight", {2, 3, 3, 3})
             .add("unet.conv_in.lora_B.weight", {4, 2, 3, 3}),
         {"unet.conv_in", "kernel"});
  expect(
      LoraFile().add("unet.conv_in.lora_A.weight", {2, 3}).add("lora_unet_conv_in.lora_down.weight", {2, 3}),
      {"conv_in", "twice"});
  expect(LoraFile().add("unet.conv_in.lora_A.weight", {2, 3}).add("unet.conv_in.lora_B.weight", {4, 2, 0, 0}),
         {"unet.conv_in", "empty"});
  expect(LoraFile().add("lora_unet_conv_in.dora_scale", {2}), {"dora_scale", "not both"});
  expect(LoraFile().add("lora_unet_conv_in.hada_w1_a", {2, 2}), {"hada_w1_a", "missing"});
  expect(LoraFile().add("lora_unet_conv_in.lokr_w1", {2, 2}), {"lokr_w1", "missing"});
  expect(
      LoraFile().add("lora_unet_conv_in.lokr_w1", {2, 2}).add("lora_unet_conv_in.lora_down.weight", {2, 2}),
      {"conv_in", "more than one"});
  expect(LoraFile().add("lora_unet_conv_in.diff", {2}), {"conv_in.diff", "not supported"});
  expect(LoraFile().add("lora_unet_conv_in.oft_blocks", {2}), {"oft_blocks", "not supported"});
  expect(LoraFile().add("lora_unet_conv_in.alpha", {2}), {"alpha", "one number"});
}

TEST(Lora, FindsPeftsAlphasInTheMetadata) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const auto factor = [&](const std::string& metadata, const std::string& layer) {
    LoraFile file;
    for (const std::string& name : {q, std::string("conv_in")}) {
      file.add("unet." + name + ".lora_A.weight", {4, 3}).add("unet." + name + ".lora_B.weight", {2, 4});
    }
    const Lora lora = file.read({{"lora_adapter_metadata", metadata}});
    return lora.find(Network::unet, layer)->factor;
  };
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.r": 4})", q), 2.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.use_rslora": true})", q), 4.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}})", q), 0.5F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}})", "conv_in"), 2.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"o_q": 2}})", q), 2.0F);
  EXPECT_EQ(factor(R"({"text_encoder.lora_alpha": 8})", q), 1.0F);
  expect_error([&] { factor("{", q); }, {"lora_adapter_metadata"});
  expect_error([&] { factor(R"({"unet.lora_alpha": "8"})", q); }, {"lora_alpha", "number"});
  expect_error([&] { factor(R"x({"unet.alpha_pattern": {"to_(q|k)": 8}})x", q); }, {"to_(q|k)"});
}

}  // namespace
}  // namespace streamdiffusion
