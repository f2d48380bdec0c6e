#include "model/weights/lora.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/weights/lora_file.h"
#include "model/weights/lora_parts.h"

namespace streamdiffusion::tests {
namespace {

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

TEST(Lora, NamesTheWordsWhoseEmbeddingsAreBundledWithIt) {
  const Lora lora = LoraFile()
                        .add("unet.conv_in.diff", {4, 3, 3, 3})
                        .add("bundle_emb.sks.clip_l", {2, 8})
                        .add("bundle_emb.sks.clip_l_out", {2, 8})
                        .add("bundle_emb.my style.string_to_param.*", {1, 8})
                        .read();
  EXPECT_TRUE(lora.unmatched().empty());
  ASSERT_EQ(lora.warnings().size(), 1U);
  EXPECT_NE(lora.warnings()[0].find("(my style, sks)"), std::string::npos) << lora.warnings()[0];
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
}  // namespace streamdiffusion::tests
