#include "model/networks/autoencoder.h"

#include <gtest/gtest.h>

#include "model/errors.h"
#include "model/networks/autoencoder_kl.h"
#include "model/networks/autoencoder_tiny.h"
#include "model/networks/network_bench.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

class AutoencoderTest : public testing::TestWithParam<const char*> {
 protected:
  NetworkBench bench_;
};

TEST_P(AutoencoderTest, EachImageIsComputedAsIfItWereAlone) {
  Context context = bench_.context();
  const auto autoencoder =
      Autoencoder::make(context.device, AutoencoderFiles::open(case_model(GetParam()) / "vae"));
  const Tensor image = bench_.random({2, 24, 16, 3}, 1);
  const Tensor latents = bench_.empty({2, 3, 2, 4});
  autoencoder->encode(context, image, latents);
  const Tensor decoded = bench_.empty({2, 24, 16, 3});
  autoencoder->decode(context, latents, decoded);
  for (std::int64_t i = 0; i < 2; ++i) {
    const Tensor one_latents = bench_.empty({1, 3, 2, 4});
    autoencoder->encode(context, image.rows(i, 1), one_latents);
    EXPECT_LT(largest_difference(bench_.values(one_latents), bench_.values(latents.rows(i, 1))), 1e-5);
    const Tensor one_decoded = bench_.empty({1, 24, 16, 3});
    autoencoder->decode(context, one_latents, one_decoded);
    EXPECT_LT(largest_difference(bench_.values(one_decoded), bench_.values(decoded.rows(i, 1))), 1e-4);
  }
}

TEST_P(AutoencoderTest, LeavesTheArenaAsItWas) {
  Context context = bench_.context();
  const auto autoencoder =
      Autoencoder::make(context.device, AutoencoderFiles::open(case_model(GetParam()) / "vae"));
  const Tensor image = bench_.random({1, 16, 16, 3}, 1);
  const Tensor latents = bench_.empty({1, 2, 2, 4});
  const void* const before = [&] {
    const Arena::Scope scope(bench_.arena());
    return bench_.arena().allocate({}).data;
  }();
  autoencoder->encode(context, image, latents);
  autoencoder->decode(context, latents, image);
  EXPECT_EQ(bench_.arena().allocate({}).data, before);
}

INSTANTIATE_TEST_SUITE_P(Models, AutoencoderTest,
                         testing::Values("small-sdxs", "small-bk-sdm", "small-mid", "small-deep"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Autoencoder, SaysWhichPixelsItEncodes) {
  NetworkBench bench;
  Context context = bench.context();
  const auto tiny =
      Autoencoder::make(context.device, AutoencoderFiles::open(case_model("small-sdxs") / "vae"));
  EXPECT_EQ(tiny->encode_range().scale, 1.0F);
  EXPECT_EQ(tiny->encode_range().shift, 0.0F);
  const auto kl = Autoencoder::make(context.device, AutoencoderFiles::open(case_model("small-mid") / "vae"));
  EXPECT_EQ(kl->encode_range().scale, 2.0F);
  EXPECT_EQ(kl->encode_range().shift, -1.0F);
}

TEST(Autoencoder, RefusesAnotherClass) {
  NetworkBench bench;
  const TemporaryFolder folder;
  folder.write("config.json", R"({"_class_name": "VQModel"})");
  std::filesystem::copy_file(case_model("small-sdxs") / "vae/diffusion_pytorch_model.safetensors",
                             folder.path() / "diffusion_pytorch_model.safetensors");
  Context context = bench.context();
  expect_error([&] { Autoencoder::make(context.device, AutoencoderFiles::open(folder.path())); },
               {"config.json", "VQModel"});
}

TEST(Autoencoder, TinyRefusesAConfigurationWithOtherStages) {
  NetworkBench bench;
  const std::filesystem::path folder = case_model("small-sdxs") / "vae";
  const TensorFiles files = TensorFiles::open(folder, "diffusion_pytorch_model");
  const AutoencoderTinyConfig right =
      parse_autoencoder_tiny_config(read_text_file(folder / "config.json"), "x");
  const auto load = [&](const AutoencoderTinyConfig& config) {
    return bench.load(files, Lora::Network::unet,
                      [&](LayerLoader& layers) { return make_autoencoder(config, layers); });
  };
  EXPECT_NO_THROW(load(right));
  AutoencoderTinyConfig wrong = right;
  wrong.encoder_block_out_channels.back() = 7;
  expect_error([&] { load(wrong); }, {"encoder_block_out_channels"});
  wrong = right;
  wrong.decoder_block_out_channels.pop_back();
  expect_error([&] { load(wrong); }, {"decoder_block_out_channels"});
  wrong = right;
  --wrong.num_decoder_blocks.front();
  expect_error([&] { load(wrong); }, {"decoder.layers."});
}

TEST(Autoencoder, KLRefusesAConfigurationThatDoesNotFitItsWeights) {
  NetworkBench bench;
  const std::filesystem::path folder = case_model("small-mid") / "vae";
  const TensorFiles files = TensorFiles::open(folder, "diffusion_pytorch_model");
  const AutoencoderKLConfig right = parse_autoencoder_kl_config(read_text_file(folder / "config.json"), "x");
  const auto load = [&](const AutoencoderKLConfig& config) {
    return bench.load(files, Lora::Network::unet,
                      [&](LayerLoader& layers) { return make_autoencoder(config, layers); });
  };
  EXPECT_NO_THROW(load(right));
  AutoencoderKLConfig wrong = right;
  wrong.use_quant_conv = false;
  expect_error([&] { load(wrong); }, {"quant_conv", "no place"});
  wrong = right;
  wrong.mid_block_add_attention = false;
  expect_error([&] { load(wrong); }, {"mid_block.attentions.0", "no place"});
  wrong = right;
  ++wrong.layers_per_block;
  expect_error([&] { load(wrong); }, {"encoder.down_blocks.0.resnets.2"});
  wrong = right;
  wrong.block_out_channels.pop_back();
  expect_error([&] { load(wrong); }, {"block_out_channels", "four"});
}

}  // namespace
}  // namespace streamdiffusion
