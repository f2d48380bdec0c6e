#include "hub/selection.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {
namespace {

const Repository kRepository{.owner = "someone", .name = "model", .file = {}};

std::vector<RemoteFile> files(const std::vector<std::string>& paths) {
  std::vector<RemoteFile> listed;
  for (const std::string& path : paths) {
    listed.push_back({.path = path, .size = 1, .hash = std::string(40, 'a')});
  }
  return listed;
}

std::vector<std::string> select(const std::vector<std::string>& paths, Purpose purpose = Purpose::model,
                                const std::vector<std::string>& there = {}) {
  const auto is_there = [&](const RemoteFile& file) { return std::ranges::count(there, file.path) > 0; };
  std::vector<std::string> selected;
  for (const RemoteFile& file : select_files(files(paths), kRepository, purpose, is_there).files) {
    selected.push_back(file.path);
  }
  std::ranges::sort(selected);
  return selected;
}

const std::vector<std::string> kWeights = {"text_encoder/model.safetensors",
                                           "unet/diffusion_pytorch_model.safetensors",
                                           "vae/diffusion_pytorch_model.safetensors"};

std::vector<std::string> with(std::vector<std::string> paths, const std::vector<std::string>& more) {
  paths.insert(paths.end(), more.begin(), more.end());
  std::ranges::sort(paths);
  return paths;
}

TEST(Selection, TakesWhatADiffusersFolderComputesWith) {
  const auto wanted =
      with(kWeights, {"model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
                      "tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json", "vae/config.json"});
  const auto all =
      with(wanted, {"README.md", "v1.safetensors", "v1.ckpt", "unet/diffusion_pytorch_model.bin",
                    "unet/diffusion_pytorch_model.non_ema.safetensors", "safety_checker/model.safetensors",
                    "vae_large/diffusion_pytorch_model.safetensors", "unet/deep/config.json"});
  EXPECT_EQ(select(all), wanted);
}

TEST(Selection, TakesTheHalfUnlessTheWholeIsThere) {
  const std::string half = "unet/diffusion_pytorch_model.fp16.safetensors";
  const auto all = with(kWeights, {"model_index.json", half});
  EXPECT_EQ(std::ranges::count(select(all), half), 1);
  EXPECT_EQ(std::ranges::count(select(all), kWeights[1]), 0);
  EXPECT_EQ(std::ranges::count(select(all, Purpose::model, kWeights), half), 0);
  EXPECT_EQ(std::ranges::count(select(all, Purpose::model, kWeights), kWeights[1]), 1);
}

TEST(Selection, TakesShardsOfOneVariantWithTheirIndex) {
  const std::vector<std::string> shards = {"unet/diffusion_pytorch_model-00001-of-00002.fp16.safetensors",
                                           "unet/diffusion_pytorch_model-00002-of-00002.fp16.safetensors",
                                           "unet/diffusion_pytorch_model.safetensors.index.fp16.json"};
  const auto all = with({"model_index.json", kWeights[0], kWeights[2]},
                        with(shards, {"unet/diffusion_pytorch_model-00001-of-00001.safetensors",
                                      "unet/diffusion_pytorch_model-0001-of-0002.fp16.safetensors"}));
  EXPECT_EQ(select(all), with({"model_index.json", kWeights[0], kWeights[2]}, shards));
}

TEST(Selection, TakesShardsBeforeOneFileWhereDiffusersDoes) {
  const std::vector<std::string> shards = {"unet/diffusion_pytorch_model-00001-of-00001.safetensors",
                                           "unet/diffusion_pytorch_model.safetensors.index.json"};
  const auto all = with(kWeights, with(shards, {"model_index.json"}));
  EXPECT_EQ(std::ranges::count(select(all), kWeights[1]), 0);
  EXPECT_EQ(std::ranges::count(select(all), shards[0]), 1);
  const std::vector<std::string> of_transformers = {"text_encoder/model-00001-of-00001.safetensors",
                                                    "text_encoder/model.safetensors.index.json"};
  EXPECT_EQ(std::ranges::count(select(with(kWeights, with(of_transformers, {"model_index.json"}))),
                               of_transformers[0]),
            0);
}

TEST(Selection, NeverTakesPickles) {
  for (const char* pickle : {"unet/diffusion_pytorch_model.bin", "model.ckpt", "model.pt"}) {
    try {
      select({"model_index.json", "text_encoder/model.safetensors", pickle});
      FAIL() << pickle;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("safetensors"), std::string::npos);
    }
  }
}

TEST(Selection, TakesAComponentOrAPartOfAModelAsAnAutoencoder) {
  const std::vector<std::string> taesd = {"README.md", "config.json", "diffusion_pytorch_model.safetensors",
                                          "taesd_decoder.safetensors"};
  const std::vector<std::string> wanted = {"config.json", "diffusion_pytorch_model.safetensors"};
  EXPECT_EQ(select(taesd, Purpose::autoencoder), wanted);
  EXPECT_EQ(select(taesd), wanted);
  const auto selection =
      select_files(files(with(kWeights, {"model_index.json", "vae/config.json"})), kRepository,
                   Purpose::autoencoder, [](const RemoteFile&) { return false; });
  EXPECT_EQ(selection.path_to_open, "vae");
  EXPECT_EQ(selection.files.size(), 2U);
}

TEST(Selection, TakesTheOneFileThereIsOrAsksForOne) {
  EXPECT_EQ(select({"README.md", "model.safetensors"}), std::vector<std::string>{"model.safetensors"});
  EXPECT_EQ(select({"a.safetensors", "pytorch_lora_weights.safetensors"}, Purpose::lora),
            std::vector<std::string>{"pytorch_lora_weights.safetensors"});
  EXPECT_THROW(select({"a.safetensors", "b.safetensors"}), Error);
  EXPECT_THROW(select({}), Error);
  EXPECT_THROW(select({"deep/a.safetensors"}), Error);
}

TEST(Selection, TakesPeftsConfigurationBesideAnAdapter) {
  const std::vector<std::string> wanted = {"adapter_config.json", "adapter_model.safetensors"};
  EXPECT_EQ(select(with(wanted, {"README.md", "deep/adapter_config.json"}), Purpose::lora), wanted);
  Repository named = kRepository;
  named.file = "deep/a.safetensors";
  const Selection selection =
      select_files(files({"adapter_config.json", "deep/a.safetensors", "deep/adapter_config.json"}), named,
                   Purpose::lora, [](const RemoteFile&) { return false; });
  ASSERT_EQ(selection.files.size(), 2U);
  EXPECT_EQ(selection.files[1].path, "deep/adapter_config.json");
  EXPECT_EQ(selection.path_to_open, "deep/a.safetensors");
}

}  // namespace
}  // namespace streamdiffusion::hub
