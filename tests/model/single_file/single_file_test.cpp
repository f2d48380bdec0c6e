#include "model/single_file/single_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "model/errors.h"
#include "model/single_file/checkpoint.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

const fs::path& tiny_vae() {
  static const fs::path folder = fs::path(PROJECT_FOLDER) / "tests/conformance/cases/models/small-sdxs/vae";
  return folder;
}

class SingleFile : public testing::Test {
 protected:
  ModelOptions options_for(const fs::path& file) {
    ModelOptions options;
    options.path = file;
    options.threads = 1;
    options.on_warning = [this](const std::string& message) { warnings_ += message + '\n'; };
    return options;
  }
  ModelFiles open(const Checkpoint& checkpoint) {
    return ModelFiles::open(options_for(checkpoint.write(folder_.path())));
  }
  ModelFiles open_with_tiny_vae(const Checkpoint& checkpoint) {
    ModelOptions options = options_for(checkpoint.write(folder_.path()));
    options.vae = tiny_vae();
    return ModelFiles::open(options);
  }
  void expect_refused(const Checkpoint& checkpoint, const std::vector<std::string>& parts) {
    expect_error([&] { Model::load(options_for(checkpoint.write(folder_.path()))); }, parts);
  }
  [[nodiscard]] bool warned(const std::string& part) const {
    return warnings_.find(part) != std::string::npos;
  }

  TemporaryFolder folder_;
  std::string warnings_;
};

bool same_tensors(const TensorFiles& a, const TensorFiles& b) {
  return std::ranges::equal(a.tensors(), b.tensors(), [](const auto& left, const auto& right) {
    return left.first == right.first && left.second.shape == right.second.shape &&
           std::ranges::equal(left.second.bytes, right.second.bytes);
  });
}

TEST_F(SingleFile, TellsStableDiffusion1FromItsTensors) {
  const ModelFiles model = open(Checkpoint("single-sd1"));
  EXPECT_EQ(model.unet_config.block_out_channels, (std::vector<std::int64_t>{32, 64, 64}));
  EXPECT_EQ(model.unet_config.down_attention, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(model.unet_config.up_attention, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(model.unet_config.layers_per_block, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(model.unet_config.heads, (std::vector<std::int64_t>{8, 8, 8}));
  EXPECT_EQ(model.unet_config.cross_attention_dim.front(), 64);
  EXPECT_EQ(model.unet_config.sample_size, 64);
  EXPECT_TRUE(model.text_encoder_config.quick_gelu);
  EXPECT_EQ(model.text_encoder_config.num_hidden_layers, 2);
  EXPECT_FALSE(model.scheduler_config.v_prediction);
  EXPECT_EQ(std::get<AutoencoderKLConfig>(model.autoencoder.config).block_out_channels,
            (std::vector<std::int64_t>{32, 32, 64, 32}));
  EXPECT_EQ(model.tokenizer.encode("").ids[2], model.tokenizer.vocabulary_size() - 1);  // <|endoftext|>
  EXPECT_EQ(warnings_, "");
}

TEST_F(SingleFile, TellsStableDiffusion2FromItsTensors) {
  const ModelFiles model = open_with_tiny_vae(Checkpoint("single-sd2"));
  EXPECT_EQ(model.unet_config.block_out_channels, (std::vector<std::int64_t>{64, 128}));
  EXPECT_EQ(model.unet_config.heads, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(model.unet_config.sample_size, 96);
  EXPECT_FALSE(model.text_encoder_config.quick_gelu);
  EXPECT_EQ(model.text_encoder_config.num_hidden_layers, 3);  // of four layers
  EXPECT_TRUE(model.scheduler_config.v_prediction);
  EXPECT_EQ(model.tokenizer.encode("").ids[2], 0);  // !
  EXPECT_TRUE(warned("set the prediction type to epsilon")) << warnings_;
}

TEST_F(SingleFile, AnOpenClipThatWasStoredWithoutItsLastLayerIsUsedWhole) {
  Checkpoint checkpoint("single-sd2");
  checkpoint.remove("cond_stage_model.model.text_projection");
  EXPECT_EQ(open_with_tiny_vae(checkpoint).text_encoder_config.num_hidden_layers, 4);
}

TEST_F(SingleFile, TheUserSaysWhatTheModelPredicts) {
  ModelOptions options = options_for(Checkpoint("single-sd2").write(folder_.path()));
  options.vae = tiny_vae();
  options.prediction_type = "epsilon";
  const ModelFiles model = ModelFiles::open(options);
  EXPECT_FALSE(model.scheduler_config.v_prediction);
  EXPECT_EQ(model.unet_config.sample_size, 64);
  EXPECT_FALSE(warned("predict"));
  options.prediction_type = "sample";
  expect_error([&] { ModelFiles::open(options); }, {"sample", "v_prediction"});
}

TEST_F(SingleFile, TheFilesMetadataSayWhatItPredicts) {
  const fs::path file = Checkpoint("single-sd2").write(folder_.path());
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::size_t size = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  const std::string header =
      R"({"__metadata__":{"modelspec.prediction_type":"epsilon"},)" + bytes.substr(9, size - 1);
  folder_.write("said.safetensors", safetensors_bytes(header, bytes.substr(8 + size)));
  ModelOptions options = options_for(folder_.path() / "said.safetensors");
  options.vae = tiny_vae();
  EXPECT_FALSE(ModelFiles::open(options).scheduler_config.v_prediction);
  EXPECT_FALSE(warned("predict"));
}

TEST_F(SingleFile, MovingAveragesAreUsedWhereOnlyTheyAreThere) {
  Checkpoint checkpoint("single-sd1");
  const ModelFiles plain = open(checkpoint);
  checkpoint.rename("model.diffusion_model.", [](std::string name) {
    std::erase(name, '.');
    return "model_ema.diffusion_model" + name;
  });
  checkpoint.add("model_ema.decay", {1}, {0.9999F});
  const fs::path file = checkpoint.write(folder_.path(), "ema.safetensors");
  EXPECT_TRUE(same_tensors(ModelFiles::open(options_for(file)).unet, plain.unet));
  EXPECT_TRUE(warned("only moving averages")) << warnings_;
}

TEST_F(SingleFile, MovingAveragesBesideTheWeightsAreNotUsed) {
  Checkpoint checkpoint("single-sd2");
  const ModelFiles both = open_with_tiny_vae(checkpoint);
  EXPECT_TRUE(warned("the weights are used")) << warnings_;
  checkpoint.remove("model_ema.");
  const fs::path file = checkpoint.write(folder_.path(), "pruned.safetensors");
  ModelOptions options = options_for(file);
  options.vae = tiny_vae();
  EXPECT_TRUE(same_tensors(ModelFiles::open(options).unet, both.unet));
}

TEST_F(SingleFile, WithoutAnAutoencoderOneHasToBeGiven) {
  Checkpoint checkpoint("single-sd2");
  expect_refused(checkpoint, {"has no autoencoder", "give a VAE"});
  ModelOptions options = options_for(checkpoint.write(folder_.path()));
  options.vae = tiny_vae();
  EXPECT_NO_THROW(Model::load(options));
}

TEST_F(SingleFile, AnAutoencoderCanBeAFile) {
  Checkpoint whole("single-sd1");
  ModelOptions options = options_for(Checkpoint("single-sd2").write(folder_.path()));
  options.vae = whole.write(folder_.path(), "whole.safetensors");
  EXPECT_NO_THROW(Model::load(options));

  std::erase_if(whole.tensors,
                [](const auto& tensor) { return !tensor.first.starts_with("first_stage_model."); });
  whole.rename("first_stage_model.", [](const std::string& name) { return name; });
  options.vae = whole.write(folder_.path(), "vae.safetensors");
  EXPECT_NO_THROW(Model::load(options));

  whole.remove("encoder.");
  options.vae = whole.write(folder_.path(), "half.safetensors");
  expect_error([&] { Model::load(options); }, {"half.safetensors", "no AutoencoderKL"});
}

TEST_F(SingleFile, ATextEncoderInTheOldestNamingIsRead) {
  Checkpoint checkpoint("single-sd1");
  checkpoint.rename("cond_stage_model.transformer.text_model.",
                    [](const std::string& name) { return "cond_stage_model.transformer." + name; });
  checkpoint.add("cond_stage_model.transformer.text_projection.weight", {1}, {1});
  EXPECT_NO_THROW(Model::load(options_for(checkpoint.write(folder_.path()))));
}

TEST_F(SingleFile, OtherNoiseLevelsAreReported) {
  Checkpoint checkpoint("single-sd1");
  checkpoint.add("alphas_cumprod", {2}, {1, 0});
  open(checkpoint);
  EXPECT_TRUE(warned("alphas_cumprod")) << warnings_;
}

TEST_F(SingleFile, EveryTensorThatIsMissingIsAnError) {
  const Checkpoint whole("single-sd1");
  std::size_t left_out = 0;
  std::size_t number = 0;
  for (const auto& [name, tensor] : whole.tensors) {
    const bool needed = name.starts_with("model.diffusion_model.") ||
                        name.starts_with("first_stage_model.") ||
                        (name.starts_with("cond_stage_model.") && !name.ends_with("position_ids"));
    if (!needed || ++number % 23 != 0) {  // a sample covers every kind of tensor
      continue;
    }
    Checkpoint cut("single-sd1");
    cut.tensors.erase(name);
    const fs::path file = cut.write(folder_.path());
    EXPECT_THROW(Model::load(options_for(file)), Error) << name;
    ++left_out;
  }
  EXPECT_GT(left_out, 10U);
}

TEST_F(SingleFile, ATensorThatIsMissingIsNamedWithoutAWordOfConfigurations) {
  Checkpoint cut("single-sd1");
  cut.tensors.erase("model.diffusion_model.out.2.bias");
  try {
    Model::load(options_for(cut.write(folder_.path())));
    ADD_FAILURE() << "loaded";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("\"conv_out.bias\""), std::string::npos) << message;
    EXPECT_NE(message.find("incomplete"), std::string::npos) << message;
    EXPECT_EQ(message.find("configuration"), std::string::npos) << message;  // A single file has none.
  }
}

TEST_F(SingleFile, ATensorThatHasNoPlaceIsAnErrorThatNamesIt) {
  for (const char* const name :
       {"model.diffusion_model.input_blocks.1.0.stray.weight", "model.diffusion_model.stray",
        "cond_stage_model.transformer.text_model.stray.weight",
        "first_stage_model.encoder.mid.attn_2.q.weight"}) {
    Checkpoint checkpoint("single-sd1");
    checkpoint.add(name, {1}, {1});
    const std::string last(std::string_view(name).substr(std::string_view(name).rfind('.') + 1));
    expect_refused(checkpoint, {"has no place for tensor", last});
  }
}

TEST_F(SingleFile, ATensorOfAnotherShapeIsAnErrorThatNamesIt) {
  for (const char* const name :
       {"model.diffusion_model.out.2.bias", "model.diffusion_model.input_blocks.1.0.in_layers.2.weight",
        "model.diffusion_model.input_blocks.1.1.proj_in.weight", "first_stage_model.encoder.conv_in.weight",
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"}) {
    Checkpoint checkpoint("single-sd1");
    checkpoint.add(name, {3}, {1, 2, 3});
    expect_refused(checkpoint, {"checkpoint.safetensors"});
  }
  Checkpoint checkpoint("single-sd2");
  checkpoint.add("cond_stage_model.model.transformer.resblocks.0.attn.in_proj_bias", {4}, {1, 2, 3, 4});
  expect_refused(checkpoint, {"in_proj_bias", "queries, keys and values"});
}

TEST_F(SingleFile, ALatentConsistencyModelWithGuidanceEmbeddingIsRefusedWithWhatToGive) {
  Checkpoint checkpoint("single-sd1");
  checkpoint.add("model.diffusion_model.time_embed.cond_proj.weight", {1, 2}, {1, 2});
  expect_refused(checkpoint, {"LCM", "diffusers folder"});
}

TEST_F(SingleFile, TooFewTokensAreAnError) {
  Checkpoint checkpoint("single-sd1");
  checkpoint.add("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", {1, 64},
                 std::vector<float>(64));
  expect_refused(checkpoint, {"knows 1 tokens"});
}

TEST_F(SingleFile, PartsOfACheckpointAreRefusedWithWhatIsMissing) {
  Checkpoint no_text("single-sd1");
  no_text.remove("cond_stage_model.");
  expect_refused(no_text, {"has no text encoder"});
  Checkpoint no_unet("single-sd1");
  no_unet.remove("model.diffusion_model.");
  expect_refused(no_unet, {"has no UNet", "given as the VAE"});
}

TEST_F(SingleFile, AModelForInpaintingIsRefused) {
  Checkpoint checkpoint("single-sd1");
  checkpoint.add("model.diffusion_model.input_blocks.0.0.weight", {32, 9, 3, 3},
                 std::vector<float>(std::size_t{32} * 9 * 9));
  expect_refused(checkpoint, {"in_channels", "inpainting"});
}

TEST_F(SingleFile, ACutFileIsRefused) {
  const fs::path file = Checkpoint("single-sd1").write(folder_.path());
  for (const std::uintmax_t size :
       {fs::file_size(file) / 2, std::uintmax_t{1000}, std::uintmax_t{5}, std::uintmax_t{0}}) {
    fs::resize_file(file, size);
    expect_error([&] { Model::load(options_for(file)); }, {"checkpoint.safetensors"});
  }
}

TEST_F(SingleFile, PicklesAreRefusedWithTheReasonAndAWayOut) {
  for (const char* const name : {"model.ckpt", "model.pt", "model.pth", "model.bin"}) {
    folder_.write(name, "\x80\x02}q");
    expect_error([&] { Model::load(options_for(folder_.path() / name)); },
                 {name, "run any code", ".safetensors", "from_single_file"});
    ModelOptions options = options_for(Checkpoint("single-sd1").write(folder_.path()));
    options.vae = folder_.path() / name;
    expect_error([&] { Model::load(options); }, {name, "run any code"});
  }
}

struct Other {
  const char* tensor;
  std::vector<std::string> said;
};

TEST_F(SingleFile, OtherArchitecturesAreNamed) {
  for (const auto& [tensor, said] : std::vector<Other>{
           {"conditioner.embedders.0.transformer.text_model.final_layer_norm.bias", {"Stable Diffusion XL"}},
           {"model.diffusion_model.label_emb.0.0.weight", {"Stable Diffusion XL"}},
           {"model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias",
            {"Stable Diffusion 3"}},
           {"double_blocks.0.img_attn.norm.key_norm.scale", {"Flux", "not supported"}},
           {"control_model.time_embed.0.weight", {"ControlNet"}},
           {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", {"a LoRA", "give it as a LoRA"}},
           {"unet.down_blocks.0.attentions.0.proj_in.lora_A.weight", {"a LoRA", "give it as a LoRA"}},
           {"lora_unet_mid_block_attentions_0_proj_in.hada_w1_a", {"LoRA"}},
           {"down_blocks.0.resnets.0.conv1.weight", {"diffusers", "model_index.json"}},
           {"model.diffusion_model.input_blocks.0.0.scale_weight", {"scaled 8-bit", "float16"}},
           {"model.diffusion_model.input_blocks.0.0.weight_scale", {"scaled 8-bit", "float16"}},
           {"model.diffusion_model.scaled_fp8", {"scaled 8-bit", "float16"}},
           {"emb_params", {"textual inversion"}}}) {
    Tensors tensors;
    tensors.add(tensor, {1}, {1});
    tensors.write(folder_.path() / "other.safetensors");
    std::vector<std::string> parts = said;
    parts.emplace_back("other.safetensors");
    expect_error([&] { Model::load(options_for(folder_.path() / "other.safetensors")); }, parts);
  }
}

TEST_F(SingleFile, ALoraIsMatchedByTheNamesOfBothNamings) {
  Tensors tensors;
  for (const char* const layer : {"input_blocks_1_1_proj_in", "up_blocks_1_attentions_0_proj_in"}) {
    const std::string name = std::string("lora_unet_") + layer;
    const std::int64_t channels = name.find("input") != std::string::npos ? 32 : 64;
    tensors.add(name + ".lora_down.weight", {1, channels, 1, 1},
                std::vector<float>(static_cast<std::size_t>(channels)));
    tensors.add(name + ".lora_up.weight", {channels, 1, 1, 1},
                std::vector<float>(static_cast<std::size_t>(channels)));
  }
  tensors.write(folder_.path() / "lora.safetensors");
  ModelOptions options = options_for(Checkpoint("single-sd1").write(folder_.path()));
  options.loras = {{.file = folder_.path() / "lora.safetensors", .scale = 1.0F, .name = {}}};
  EXPECT_NO_THROW(Model::load(options));
  EXPECT_EQ(warnings_, "");
}

TEST_F(SingleFile, TheModelIsNamedAfterItsFile) {
  EXPECT_EQ(Model::load(options_for(Checkpoint("single-sd1").write(folder_.path(), "dream.v2.safetensors")))
                ->info()
                .name,
            "dream.v2");
}

}  // namespace
}  // namespace streamdiffusion
