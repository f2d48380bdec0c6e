#include "model/weights/lora_metadata.h"

#include <gtest/gtest.h>

namespace streamdiffusion {
namespace {

using Words = std::vector<std::string>;
using Lines = std::vector<std::pair<std::string, std::string>>;

TEST(LoraMetadata, ReadsWhatKohyaNotes) {
  const LoraMetadata metadata = read_lora_metadata(
      {{"ss_output_name", "style"},
       {"ss_base_model_version", "sd_v1"},
       {"ss_sd_model_name", "base.safetensors"},
       {"ss_network_dim", "32"},
       {"ss_network_alpha", "16.0"},
       {"ss_training_comment", "None"},
       {"ss_tag_frequency", R"({"10_a": {"1girl": 3, " owl": 9, "": 50}, "1_b": {"1girl": 7, "sky": -1}})"}},
      {"lora_unet_conv_in.lora_down.weight"});
  EXPECT_EQ(metadata.trigger_words, (Words{"1girl", "owl"}));
  EXPECT_EQ(metadata.lines(), (Lines{{"title", "style"},
                                     {"method", "LoRA"},
                                     {"base model", "sd_v1 (base.safetensors)"},
                                     {"rank", "32"},
                                     {"alpha", "16.0"},
                                     {"trigger words", "1girl, owl"}}));
}

TEST(LoraMetadata, ReadsModelspec) {
  const LoraMetadata metadata = read_lora_metadata({{"modelspec.title", "Style"},
                                                    {"modelspec.architecture", "stable-diffusion-v1/lora"},
                                                    {"modelspec.trigger_phrase", "in the style of x"},
                                                    {"ss_tag_frequency", R"({"a": {"other": 1}})"}},
                                                   {"a.hada_w1_a", "a.dora_scale"});
  EXPECT_EQ(metadata.title, "Style");
  EXPECT_EQ(metadata.method, "LoHa with DoRA");
  EXPECT_EQ(metadata.base_model, "stable-diffusion-v1/lora");
  EXPECT_EQ(metadata.trigger_words, Words{"in the style of x"});
}

TEST(LoraMetadata, TakesWhatIsMalformedForNotSaid) {
  for (const char* const tags :
       {"", "{", "[1]", R"({"a": 3})", R"({"a": {"b": "c"}})", R"({"a": {"b": 1e30}})"}) {
    EXPECT_TRUE(read_lora_metadata({{"ss_tag_frequency", tags}}, {}).lines().empty()) << tags;
  }
}

TEST(LoraMetadata, IsSafeToShow) {
  const LoraMetadata metadata = read_lora_metadata(
      {{"modelspec.title", "a\x1b[2Jb\nc"}, {"modelspec.author", std::string(299, 'x') + "ö and more"}}, {});
  EXPECT_EQ(metadata.title, "a [2Jb c");
  EXPECT_EQ(metadata.author, std::string(299, 'x') + "...");
}

}  // namespace
}  // namespace streamdiffusion
