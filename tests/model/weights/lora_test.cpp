#include "model/weights/lora.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"
#include "model/weights/lora_parts.h"
#include "model/weights/original_unet_names.h"

namespace streamdiffusion {
namespace {

using Network = Lora::Network;
using Shape = std::vector<std::int64_t>;

/// The layers of a small UNet: two down blocks (attention in the first), mid block, two up blocks.
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
    "conv_norm_out",
    "conv_out",
};
const std::vector<std::string> kTextLayers = {"encoder.layers.0.self_attn.q_proj",
                                              "encoder.layers.0.self_attn.out_proj",
                                              "encoder.layers.0.mlp.fc1", "embeddings.token_embedding"};

LayerShapes shapes_of(const std::vector<std::string>& layers, const LayerShape& shape) {
  LayerShapes shapes;
  for (const std::string& layer : layers) {
    shapes[layer] = shape;
  }
  return shapes;
}

/// All layers have 4 outputs and 3 inputs, except two convolutions and a norm.
Lora::Layers small_layers() {
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

const LoraChange& lora_change(const Lora& lora, Network network, const std::string& layer) {
  return std::get<LoraChange>(lora.find(network, layer)->weight.value());
}

const TensorChange& tensor_change(const Lora& lora, const std::string& layer) {
  return std::get<TensorChange>(lora.find(Network::unet, layer)->weight.value());
}

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

TEST(Lora, DividesAlphaByTheRank) {
  const Lora lora = LoraFile()
                        .add("lora_unet_conv_in.lora_down.weight", {4, 3, 3, 3})
                        .add("lora_unet_conv_in.lora_up.weight", {4, 4, 1, 1})
                        .add("lora_unet_conv_in.alpha", {}, {2})
                        .add("lora_unet_conv_out.lora_down.weight", {2, 3, 3, 3})
                        .add("lora_unet_conv_out.lora_up.weight", {4, 2, 1, 1})
                        .read();
  EXPECT_EQ(lora_change(lora, Network::unet, "conv_in").factor, 0.5F);
  EXPECT_EQ(lora_change(lora, Network::unet, "conv_out").factor, 1.0F);
  EXPECT_EQ(lora.find(Network::unet, "mid_block.resnets.0.conv1"), nullptr);
}

TEST(Lora, TakesAlphaAsAnIntegerOfAnySize) {
  const std::int32_t narrow = 4;
  const std::int64_t wide = 4;
  const FileTensor alphas[] = {{DType::i32, {}, std::as_bytes(std::span(&narrow, 1))},
                               {DType::i64, {}, std::as_bytes(std::span(&wide, 1))}};
  Tensors pair;
  pair.add("conv_in.lora_down.weight", {2, 3, 3, 3}, std::vector<float>(54));
  pair.add("conv_in.lora_up.weight", {4, 2}, std::vector<float>(8));
  for (const FileTensor& alpha : alphas) {
    LoraParts parts;
    for (const auto& [key, tensor] : pair.all()) {
      parts.add(parse_lora_key(key).value(), key, tensor, "file");
    }
    parts.add({.layer = "conv_in", .part = LoraKey::Part::alpha}, "conv_in.alpha", alpha, "file");
    const LayerChange change = parts.make_change("file", {.layer = "conv_in", .shape = {4, 3, 9}});
    EXPECT_EQ(std::get<LoraChange>(change.weight.value()).factor, 2.0F);
  }
}

TEST(Lora, ReportsKeysThatMatchNothingBesideOthersThatDo) {
  const Lora lora = LoraFile()
                        .add("unet.conv_in.diff", {4, 3, 3, 3})
                        .add("lora_unet_nowhere.lora_down.weight", {2, 3})
                        .add("something", {1})
                        .read();
  EXPECT_EQ(lora.unmatched().size(), 2U);
}

TEST(Lora, ForASecondTextEncoderIsAnErrorThatNamesTheModelItIsFor) {
  for (const std::string prefix :
       {"lora_te2_", "text_encoder_2.", "text_encoders.clip_g.transformer.", "clip_g."}) {
    const std::string key = prefix + "text_model.encoder.layers.0.mlp.fc1.lora_down.weight";
    expect_error(
        [&] {
          static_cast<void>(LoraFile().add("unet.conv_in.diff", {4, 3, 3, 3}).add(key, {2, 3}).read());
        },
        {key, "Stable Diffusion XL"});
  }
}

TEST(Lora, ThatChangesNothingIsAnError) {
  LoraFile file;
  file.add("lora_unet_nowhere.lora_down.weight", {2, 3}).add("something", {1});
  expect_error([&] { static_cast<void>(file.read()); },
               {"x.safetensors", "none of its 2 keys", "lora_unet_nowhere.lora_down.weight", "something"});
  expect_error([] { static_cast<void>(LoraFile().read()); }, {"none of its 0 keys"});
}

TEST(Lora, AFolderIsAnErrorThatNamesTheFileToGive) {
  const TemporaryFolder folder;
  expect_error([&] { static_cast<void>(Lora::open(folder.path(), {})); },
               {folder.path().string(), "folder", "adapter_model.safetensors"});
}

TEST(Lora, AnUnknownPartOfAKnownLayerIsAnErrorThatNamesFileKeyAndMethod) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const std::string kohya = "lora_unet_conv_in";
  const std::vector<std::pair<std::string, std::string>> keys = {
      {"base_model.model." + q + ".lora_diag", "KaSA"},
      {kohya + ".lambda_layer", "T-LoRA"},
      {kohya + ".q_layer.weight", "T-LoRA"},
      {kohya + ".oft_blocks", "OFT"},
      {kohya + ".on_input", "IA3"},
      {kohya + ".a1.weight", "GLoRA"},
      {"base_model.model." + q + ".boft_R", "BOFT"},
      {"base_model.model." + q + ".fourierft_spectrum", "not known"},
      {"unet." + q + ".some.new.part", "not known"},
      {"unet." + q + ".weight", "whole network"},
      {kohya + ".lokr_t1", "LoKr"},
      {"lora_te_text_model_embeddings_token_embedding.lora_down.weight", "embeddings"}};
  for (const auto& [key, method] : keys) {
    SCOPED_TRACE(key);
    LoraFile file;
    file.add(key, {2, 3});
    expect_error([&] { static_cast<void>(file.read()); }, {"x.safetensors", key, method});
  }
}

TEST(Lora, ReadsDifferencesOfWeightsBiasesAndNorms) {
  const Lora lora = LoraFile()
                        .add("lora_unet_conv_in.diff", {4, 3, 3, 3})
                        .add("lora_unet_conv_in.diff_b", {4})
                        .add("lora_unet_conv_norm_out.w_norm", {4})
                        .add("lora_unet_conv_norm_out.b_norm", {4})
                        .add("lora_unet_conv_out.diff_b", {4})
                        .read();
  EXPECT_TRUE(lora.unmatched().empty());
  for (const std::string layer : {"conv_in", "conv_norm_out"}) {
    EXPECT_EQ(tensor_change(lora, layer).kind, TensorChange::Kind::add);
    EXPECT_EQ(lora.find(Network::unet, layer)->bias->kind, TensorChange::Kind::add);
  }
  EXPECT_FALSE(lora.find(Network::unet, "conv_out")->weight);
  EXPECT_TRUE(lora.find(Network::unet, "conv_out")->adds_bias());
}

TEST(Lora, ScalesTheBiasOfALoraAsTheLora) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  for (const auto& [down, up] : {std::pair("lora_A", "lora_B"), std::pair("lora.down", "lora.up")}) {
    LoraFile file;
    file.add("unet." + q + "." + down + ".weight", {2, 3}).add("unet." + q + "." + up + ".weight", {4, 2});
    file.add("unet." + q + "." + up + ".bias", {4}).add("unet." + q + ".alpha", {}, {6});
    const Lora lora = file.read();
    EXPECT_TRUE(lora.unmatched().empty());
    EXPECT_EQ(lora.find(Network::unet, q)->bias->factor, 3.0F);
  }
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
  expect(LoraFile().add("lora_unet_conv_in.diff", {2}), {"conv_in.diff", "[2]", "108"});
  expect(LoraFile().add("lora_unet_conv_in.diff_b", {2}), {"conv_in.diff_b", "bias", "[2]"});
  expect(LoraFile().add("unet.conv_in.lora_A.weight", {2, 5}).add("unet.conv_in.lora_B.weight", {4, 2}),
         {"unet.conv_in", "do not fit", "another kind of model"});
  expect(LoraFile().add("lora_unet_conv_in.alpha", {2}), {"alpha", "one number"});
}

TEST(Lora, FindsPeftsAlphasInTheMetadata) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const auto factor = [&](const std::string& metadata, const std::string& layer) {
    LoraFile file;
    for (const std::string& name : {q, std::string("time_embedding.linear_1")}) {
      file.add("unet." + name + ".lora_A.weight", {4, 3}).add("unet." + name + ".lora_B.weight", {4, 4});
    }
    const Lora lora = file.read({{"lora_adapter_metadata", metadata}});
    return lora_change(lora, Network::unet, layer).factor;
  };
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.r": 4})", q), 2.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.use_rslora": true})", q), 4.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}})", q), 0.5F);
  EXPECT_EQ(
      factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 2}})", "time_embedding.linear_1"),
      2.0F);
  EXPECT_EQ(factor(R"({"unet.lora_alpha": 8, "unet.alpha_pattern": {"o_q": 2}})", q), 2.0F);
  EXPECT_EQ(factor(R"({"text_encoder.lora_alpha": 8})", q), 1.0F);
  expect_error([&] { factor("{", q); }, {"lora_adapter_metadata"});
  expect_error([&] { factor(R"({"unet.lora_alpha": "8"})", q); }, {"lora_alpha", "number"});
  expect_error([&] { factor(R"x({"unet.alpha_pattern": {"to_(q|k)": 8}})x", q); }, {"to_(q|k)"});
}

TEST(Lora, ReadsPeftsMethodsWithTheirConfiguration) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  const std::string key = "base_model.model." + q;
  const Lora ia3 = LoraFile().add(key + ".ia3_l", {4, 1}).read_of_peft(R"({"peft_type": "IA3"})");
  EXPECT_EQ(tensor_change(ia3, q).kind, TensorChange::Kind::scale_outputs);
  EXPECT_FALSE(ia3.find(Network::unet, q)->adds_bias());
  const Lora feedforward = LoraFile().add(key + ".ia3_l", {1, 3}).read_of_peft(R"({"peft_type": "IA3"})");
  EXPECT_EQ(tensor_change(feedforward, q).kind, TensorChange::Kind::scale_inputs);
  const auto kind_of_convolution = [](const std::string& config) {
    const Lora lora = LoraFile().add("base_model.model.conv_in.ia3_l", {1, 4, 1, 1}).read_of_peft(config);
    return tensor_change(lora, "conv_in").kind;
  };
  EXPECT_EQ(kind_of_convolution(R"({"peft_type": "IA3"})"), TensorChange::Kind::scale_outputs);
  expect_error([&] { kind_of_convolution(R"({"feedforward_modules": ["conv_in"]})"); },
               {"conv_in", "[1,4,1,1]", "3"});
  expect_error(
      [] {
        static_cast<void>(LoraFile().add("unet.conv_in.ia3_l", {1, 4, 1, 1}).read());
      },
      {"conv_in", "adapter_config.json"});
  const Lora saved = LoraFile()
                         .add("base_model.model.conv_in.weight", {4, 3, 3, 3})
                         .add("base_model.model.conv_in.bias", {4})
                         .read_of_peft(R"({"peft_type": "LORA", "modules_to_save": ["conv_in"]})");
  EXPECT_EQ(tensor_change(saved, "conv_in").kind, TensorChange::Kind::replace);
  EXPECT_EQ(saved.find(Network::unet, "conv_in")->bias->kind, TensorChange::Kind::replace);
  const Lora oft = LoraFile()
                       .add(key + ".oft_R.weight", {1, 3})
                       .read_of_peft(R"({"peft_type": "OFT", "use_cayley_neumann": true})");
  EXPECT_EQ(std::get<Rotation>(oft.find(Network::unet, q)->weight.value()).series_terms, 5);
}

TEST(Lora, ReadsAdaLora) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  LoraFile file;
  file.add("base_model.model." + q + ".lora_A", {2, 3}, {1, 2, 3, 4, 5, 6});
  file.add("base_model.model." + q + ".lora_B", {4, 2})
      .add("base_model.model." + q + ".lora_E", {2, 1}, {10, 100});
  const Lora lora = file.read_of_peft(R"({"peft_type": "ADALORA", "lora_alpha": 6, "init_r": 3})");
  const LoraChange& change = lora_change(lora, Network::unet, q);
  EXPECT_EQ(floats(*change.first.right), (std::vector<float>{10, 20, 30, 400, 500, 600}));
  EXPECT_FLOAT_EQ(change.factor, 6 / (3 + 1e-5F));
  expect_error([&] { static_cast<void>(file.read()); }, {"AdaLoRA", "adapter_config.json"});
}

TEST(Lora, ReadsVera) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  LoraFile file;
  file.add("base_model.model." + q + ".vera_lambda_d", {1}, {10});
  file.add("base_model.model." + q + ".vera_lambda_b", {4}, {1, 2, 3, 4});
  const std::string config = R"({"peft_type": "VERA"})";
  expect_error([&] { static_cast<void>(file.read_of_peft(config)); }, {"VeRA", "save_projection"});
  file.add("base_model.vera_A", {1, 5}, {1, 2, 3, 4, 5}).add("base_model.vera_B", {6, 1}, {1, 1, 2, 2, 3, 3});
  const Lora lora = file.read_of_peft(config);
  EXPECT_TRUE(lora.unmatched().empty());
  const LoraChange& change = lora_change(lora, Network::unet, q);
  EXPECT_EQ(floats(*change.first.right), (std::vector<float>{10, 20, 30}));
  EXPECT_EQ(floats(*change.first.left), (std::vector<float>{1, 2, 6, 8}));
}

TEST(Lora, LoKrOfTwoWholeMatricesIsScaledByPeftsRankAlone) {
  const std::string q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
  LoraFile file;
  file.add("base_model.model." + q + ".lokr_w1", {2, 1}).add("base_model.model." + q + ".lokr_w2", {2, 3});
  const Lora lora = file.read_of_peft(R"({"peft_type": "LOKR", "alpha": 6, "r": 2})");
  EXPECT_EQ(lora_change(lora, Network::unet, q).factor, 3.0F);
  EXPECT_EQ(lora_change(file.read(), Network::unet, q).factor, 1.0F);
}

TEST(Lora, WarnsWherePeftsConfigurationIsMissing) {
  const std::string key = "base_model.model.time_embedding.linear_1";
  LoraFile file;
  file.add(key + ".lora_A.weight", {2, 3}).add(key + ".lora_B.weight", {4, 2});
  ASSERT_EQ(file.read().warnings().size(), 1U);
  EXPECT_NE(file.read().warnings()[0].find("adapter_config.json"), std::string::npos);
  EXPECT_TRUE(file.read_of_peft(R"({"lora_alpha": 2})").warnings().empty());
  expect_error([&] { static_cast<void>(file.read_of_peft(R"({"use_dora": true})")); },
               {key, "use_dora", "lora_magnitude_vector"});
}

TEST(Lora, DoesNotMissTheAlphaOfMethodsThatHaveNone) {
  const std::string q = "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.";
  EXPECT_TRUE(LoraFile().add(q + "ia3_l", {4, 1}).read().warnings().empty());
  EXPECT_TRUE(LoraFile()
                  .add(q + "vera_lambda_d", {1})
                  .add(q + "vera_lambda_b", {4})
                  .add("base_model.vera_A", {1, 5})
                  .add("base_model.vera_B", {6, 1})
                  .read()
                  .warnings()
                  .empty());
  EXPECT_TRUE(LoraFile().add("base_model.model.conv_norm_out.weight", {4}).read().warnings().empty());
  EXPECT_EQ(LoraFile().add(q + "lokr_w1", {2, 1}).add(q + "lokr_w2", {2, 3}).read().warnings().size(), 1U);
  LoraFile loha;
  loha.add(q + "hada_w1_a", {4, 1}).add(q + "hada_w1_b", {1, 3});
  loha.add(q + "hada_w2_a", {4, 1}).add(q + "hada_w2_b", {1, 3});
  EXPECT_EQ(loha.read().warnings().size(), 1U);
}

TEST(Lora, WarnsOfAnAlphaWithoutWeights) {
  LoraFile file;
  file.add("lora_unet_conv_in.alpha", {}, {4});
  expect_error([&] { static_cast<void>(file.read()); },
               {"x.safetensors", "only alpha", "lora_unet_conv_in.alpha", "change nothing"});
  file.add("lora_unet_conv_out.lora_down.weight", {2, 3, 3, 3})
      .add("lora_unet_conv_out.lora_up.weight", {4, 2});
  const Lora lora = file.read();
  EXPECT_EQ(lora.find(Network::unet, "conv_in"), nullptr);
  EXPECT_NE(lora.find(Network::unet, "conv_out"), nullptr);
  ASSERT_EQ(lora.warnings().size(), 1U);
  EXPECT_NE(lora.warnings()[0].find("lora_unet_conv_in.alpha"), std::string::npos);
  EXPECT_TRUE(lora.unmatched().empty());
}

}  // namespace
}  // namespace streamdiffusion
