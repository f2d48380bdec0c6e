#include "model/weights/peft_config.h"

#include <gtest/gtest.h>

#include <string>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

PeftConfig parse_config(const std::string& adapter_config) {
  return {{}, "x.safetensors", adapter_config, "adapter_config.json"};
}

TEST(PeftConfig, SaysAlphaAndRankOfEachLayer) {
  const PeftConfig config = parse_config(R"({"peft_type": "LORA", "lora_alpha": 8, "r": 2, "use_rslora": true,
      "alpha_pattern": {"attn1.to_q": 3}, "rank_pattern": {"^mid_block.conv": 5}, "use_dora": false})");
  const PeftSettings* const settings = config.find("unet");
  ASSERT_NE(settings, nullptr);
  EXPECT_EQ(config.find("text_encoder"), settings);
  EXPECT_EQ(settings->alpha_of("down.attn1.to_q"), 3.0F);
  EXPECT_EQ(settings->alpha_of("down.attn1.to_k"), 8.0F);
  EXPECT_EQ(settings->rank_of("mid_block.conv"), 5.0F);
  EXPECT_EQ(settings->rank_of("down.attn1.to_q"), 2.0F);
  EXPECT_TRUE(settings->use_rslora);
}

TEST(PeftConfig, FindsLayersByTheTextEncodersOlderNames) {
  const PeftConfig config =
      parse_config(R"({"alpha_pattern": {"text_model.encoder.layers.0.self_attn.q_proj": 3}})");
  EXPECT_EQ(config.find("text_encoder")->alpha_of("encoder.layers.0.self_attn.q_proj"), 3.0F);
}

TEST(PeftConfig, TakesTheFirstPatternThatMatchesInPeftsOrder) {
  const PeftSettings settings = *parse_config(R"({"lora_alpha": 8,
      "alpha_pattern": {"^down.attn1.to_q": 3, "attn1.to_q": 4, "^to_q": 5},
      "rank_pattern": {"q_proj": 6, "text_model.encoder.q_proj": 7}})")
                                     .find("unet");
  EXPECT_EQ(settings.alpha_of("down.attn1.to_q"), 3.0F);
  EXPECT_EQ(settings.alpha_of("mid.attn1.to_q"), 4.0F);
  EXPECT_EQ(settings.alpha_of("down.attn2.to_q"), 8.0F) << "^ begins the whole name";
  EXPECT_EQ(settings.rank_of("encoder.q_proj"), 6.0F);
}

TEST(PeftConfig, TakesDotsInPatternsForAnyCharacterAsPeftDoes) {
  const PeftSettings settings =
      *parse_config(R"({"lora_alpha": 8, "alpha_pattern": {"attn..to_q": 3, "^mid.conv": 4}})").find("unet");
  EXPECT_EQ(settings.alpha_of("down.attn1.to_q"), 3.0F);
  EXPECT_EQ(settings.alpha_of("attn2.to_q"), 3.0F);
  EXPECT_EQ(settings.alpha_of("down.attn12.to_q"), 8.0F);
  EXPECT_EQ(settings.alpha_of("mid_conv"), 4.0F);
  EXPECT_EQ(settings.alpha_of("down.mid_conv"), 8.0F);
}

TEST(PeftConfig, FindsFeedforwardLayersByEndingsOfAListAndByAWholeName) {
  const auto is_feedforward = [](const std::string& modules, const std::string& layer) {
    return parse_config(R"({"peft_type": "IA3", "feedforward_modules": )" + modules + "}")
        .find("unet")
        ->is_feedforward(layer);
  };
  EXPECT_TRUE(is_feedforward(R"(["conv2"])", "resnets.0.conv2"));
  EXPECT_TRUE(is_feedforward(R"(["nv2"])", "resnets.0.conv2"));
  EXPECT_FALSE(is_feedforward(R"(["conv1"])", "resnets.0.conv2"));
  EXPECT_FALSE(is_feedforward(R"("conv2")", "resnets.0.conv2")) << "a text is matched as a whole";
  EXPECT_TRUE(is_feedforward(R"("resnets.0.conv2")", "resnets.0.conv2"));
  expect_error([&] { is_feedforward(R"x(".*(conv1|conv2)")x", "resnets.0.conv2"); },
               {"feedforward_modules", "conv1|conv2"});
}

TEST(PeftConfig, WhatTheFileNotesComesBeforeWhatLiesBesideIt) {
  const PeftConfig config({{"lora_adapter_metadata", R"({"text_encoder.lora_alpha": 4})"}}, "x.safetensors",
                          R"({"lora_alpha": 8})", "adapter_config.json");
  EXPECT_EQ(config.find("unet"), nullptr);
  EXPECT_EQ(config.find("text_encoder")->alpha, 4.0F);
}

TEST(PeftConfig, KnowsTheRankThatAdaLoraDividesBy) {
  const PeftConfig config = parse_config(
      R"({"peft_type": "ADALORA", "r": 8, "init_r": 12, "rank_pattern": {"to_q.lora_E": [true, false]}})");
  EXPECT_EQ(config.find("unet")->rank_of("to_q"), 12.0F);
}

TEST(PeftConfig, KnowsOftsSeries) {
  const auto terms = [](const std::string& fields) {
    return parse_config(R"({"peft_type": "OFT")" + fields + "}").find("unet")->oft_series_terms;
  };
  EXPECT_EQ(terms(""), 0);
  EXPECT_EQ(terms(R"(, "use_cayley_neumann": false, "num_cayley_neumann_terms": 7)"), 0);
  EXPECT_EQ(terms(R"(, "use_cayley_neumann": true)"), 5);
  EXPECT_EQ(terms(R"(, "use_cayley_neumann": true, "num_cayley_neumann_terms": 7)"), 7);
}

TEST(PeftConfig, RefusesMethodsThatAreNotComputedByName) {
  const auto expect = [](const std::string& config, const std::string& method) {
    expect_error([&] { parse_config(config); }, {"adapter_config.json", method, "not supported"});
  };
  expect(R"({"peft_type": "BOFT"})", "BOFT");
  expect(R"({"peft_type": "LORA", "kasa_config": {"beta": 1}})", "KaSA");
  expect(R"({"peft_type": "LORA", "use_qalora": true})", "QA-LoRA");
  expect(R"({"peft_type": "OFT", "coft": true})", "constrained OFT");
  expect(R"x({"peft_type": "LORA", "alpha_pattern": {"to_(q|k)": 8}})x", "to_(q|k)");
  EXPECT_NO_THROW(parse_config(R"({"peft_type": "LORA", "kasa_config": null, "use_qalora": false})"));
}

TEST(PeftConfig, NamesFieldsThatAreMalformed) {
  expect_error([] { parse_config("{"); }, {"adapter_config.json"});
  expect_error([] { parse_config(R"({"lora_alpha": "8"})"); }, {"lora_alpha", "number"});
  expect_error([] { parse_config(R"({"use_rslora": 1})"); }, {"use_rslora", "true or false"});
  expect_error([] { parse_config(R"({"peft_type": 3})"); }, {"peft_type", "3"});
  expect_error([] { parse_config(R"({"use_cayley_neumann": true, "num_cayley_neumann_terms": 1e9})"); },
               {"num_cayley_neumann_terms", "100"});
}

TEST(PeftConfig, WarnsOfAdaptersThatPresupposeChangedWeights) {
  for (const std::string way : {"pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"}) {
    const PeftConfig config = parse_config(R"({"init_lora_weights": ")" + way + "\"}");
    ASSERT_EQ(config.warnings().size(), 1U) << way;
    EXPECT_NE(config.warnings()[0].find(way), std::string::npos);
  }
  for (const std::string way : {"true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\""}) {
    EXPECT_TRUE(parse_config(R"({"init_lora_weights": )" + way + "}").warnings().empty()) << way;
  }
}

}  // namespace
}  // namespace streamdiffusion
