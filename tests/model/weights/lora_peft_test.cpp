// Tests of LoRAs that peft has written, with their configuration.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/errors.h"
#include "model/weights/lora_file.h"

namespace streamdiffusion::tests {
namespace {

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

}  // namespace
}  // namespace streamdiffusion::tests
