#include "model/networks/unet_2d_condition.h"

#include <gtest/gtest.h>

#include <optional>

#include "model/errors.h"
#include "model/networks/network_bench.h"
#include "model/networks/unet_blocks.h"

namespace streamdiffusion {
namespace {

constexpr double kTolerance = 1e-5;

/// Runs a small UNet of the reference cases.
class UNet2DConditionTest : public testing::Test {
 protected:
  void open(const std::string& model) {
    const std::filesystem::path folder = case_model(model) / "unet";
    config_ = parse_unet_config(read_text_file(folder / "config.json"), model);
    files_.emplace(TensorFiles::open(folder, "diffusion_pytorch_model"));
    load();
  }
  void load() {
    unet_ = bench_.load(*files_, Lora::Network::unet, [this](LayerLoader& layers) {
      return std::make_unique<UNet2DCondition>(config_, layers);
    });
  }

  /// One for conv_in, one for each layer of the down blocks and one for each of their downsamplers.
  [[nodiscard]] std::size_t count_skips() const { return plan_junctions(config_).size() - 1; }
  std::unique_ptr<TextContext> text(unsigned seed) {
    Context context = bench_.context();
    return unet_->text_context(context, bench_.random({1, 1, 7, config_.cross_attention_dim.front()}, seed));
  }
  Tensor time(const std::vector<float>& timesteps) {
    Context context = bench_.context();
    const Tensor out = bench_.empty({std::ssize(timesteps), 1, 1, unet_->time_width()});
    unet_->time_projections(context, timesteps, std::nullopt, out);
    return out;
  }
  std::vector<float> run(const Tensor& sample, const Tensor& time,
                         const std::vector<const TextContext*>& texts,
                         const std::vector<RowRange>& self_attention = {}, const UNetHooks& hooks = {}) {
    Context context = bench_.context();
    const Tensor out = bench_.empty(with_channels(sample.shape, config_.out_channels));
    unet_->forward(context, sample,
                   {.time = time, .text = texts, .self_attention = self_attention, .hooks = hooks}, out);
    return bench_.values(out);
  }

  NetworkBench bench_;
  UNet2DConditionConfig config_;
  std::optional<TensorFiles> files_;
  std::unique_ptr<UNet2DCondition> unet_;
};

TEST_F(UNet2DConditionTest, EachRowIsComputedAsIfItWereAlone) {
  open("small-mid");
  const Tensor sample = bench_.random({3, 5, 6, 4}, 1);
  const auto one = text(2);
  const auto other = text(3);
  const std::vector<float> timesteps = {900, 20, 401};
  const std::vector<const TextContext*> texts = {one.get(), one.get(), other.get()};
  const std::vector<float> together = run(sample, time(timesteps), texts);
  std::vector<float> alone;
  for (std::size_t row = 0; row < 3; ++row) {
    const auto index = static_cast<std::int64_t>(row);
    const std::vector<float> result = run(sample.rows(index, 1), time({timesteps[row]}), {texts[row]});
    alone.insert(alone.end(), result.begin(), result.end());
  }
  EXPECT_LT(largest_difference(together, alone), kTolerance);
}

TEST_F(UNet2DConditionTest, PromptAndTimestepMatter) {
  open("small-sdxs");
  const Tensor sample = bench_.random({1, 4, 4, 4}, 1);
  const auto one = text(2);
  const auto other = text(3);
  const std::vector<float> result = run(sample, time({500}), {one.get()});
  EXPECT_GT(largest_difference(result, run(sample, time({500}), {other.get()})), 1e-3);
  EXPECT_GT(largest_difference(result, run(sample, time({100}), {one.get()})), 1e-3);
}

TEST_F(UNet2DConditionTest, AnyNumberOfRowsSharesAPrompt) {
  open("small-deep");
  constexpr std::int64_t kRows = 131;
  const Tensor row = bench_.random({1, 2, 2, 4}, 1);
  const auto prompt = text(2);
  const std::vector<float> one = run(row, time({7}), {prompt.get()});
  std::vector<float> samples;
  std::vector<float> expected;
  for (std::int64_t i = 0; i < kRows; ++i) {
    std::ranges::copy(bench_.values(row), std::back_inserter(samples));
    std::ranges::copy(one, std::back_inserter(expected));
  }
  const std::vector<float> result =
      run(bench_.filled({kRows, 2, 2, 4}, samples), time(std::vector<float>(kRows, 7)),
          std::vector<const TextContext*>(kRows, prompt.get()));
  EXPECT_LT(largest_difference(result, expected), kTolerance);
}

TEST_F(UNet2DConditionTest, SelfAttentionSeesTheRowsThatItIsGiven) {
  open("small-mid");
  const Tensor sample = bench_.random({2, 4, 4, 4}, 1);
  const auto prompt = text(2);
  const std::vector<const TextContext*> texts(2, prompt.get());
  const Tensor times = time({300, 300});
  const std::vector<float> apart = run(sample, times, texts);
  EXPECT_LT(largest_difference(apart, run(sample, times, texts, {{0, 1}, {1, 1}})), kTolerance);
  EXPECT_GT(largest_difference(apart, run(sample, times, texts, {{0, 2}, {0, 2}})), 1e-3);
  // Attention to duplicated keys and values gives the same result as to single ones.
  std::vector<float> twice = bench_.values(sample.rows(0, 1));
  twice.insert(twice.end(), twice.begin(), twice.begin() + static_cast<std::ptrdiff_t>(twice.size()));
  const Tensor same = bench_.filled({2, 4, 4, 4}, twice);
  EXPECT_LT(largest_difference(run(same, times, texts), run(same, times, texts, {{0, 2}, {0, 2}})),
            kTolerance);
}

TEST_F(UNet2DConditionTest, EachRowHasItsOwnImagePromptAndFeatureBank) {
  open("small-mid");
  const Tensor sample = bench_.random({3, 4, 6, 4}, 1);
  const auto prompt = text(2);
  const std::vector<const TextContext*> texts(3, prompt.get());
  const Tensor times = time({300, 300, 300});
  const auto other = text(3);
  const ExtraContext extra{.keys = other->keys, .values = other->values};
  const ExtraContext none;
  const std::vector<ExtraContext> contexts = {extra, none, extra};
  const std::vector<float> scales = {0.5F, 1, 0};
  const std::vector<float> plain = run(sample, times, texts);
  const auto row_of = [](const std::vector<float>& values, std::size_t row) {
    const auto size = static_cast<std::ptrdiff_t>(values.size() / 3);
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(row) * size;
    return std::vector<float>(first, first + size);
  };
  const std::vector<float> with_images =
      run(sample, times, texts, {}, {.image_prompts = contexts, .image_scales = scales});
  EXPECT_GT(largest_difference(row_of(with_images, 0), row_of(plain, 0)), 1e-3);
  EXPECT_LT(largest_difference(row_of(with_images, 1), row_of(plain, 1)), kTolerance) << "no image";
  EXPECT_LT(largest_difference(row_of(with_images, 2), row_of(plain, 2)), kTolerance) << "a scale of 0";
  const std::vector<float> with_banks = run(sample, times, texts, {}, {.feature_banks = contexts});
  EXPECT_GT(largest_difference(row_of(with_banks, 0), row_of(plain, 0)), 1e-3);
  EXPECT_LT(largest_difference(row_of(with_banks, 1), row_of(plain, 1)), kTolerance) << "no bank";
}

TEST_F(UNet2DConditionTest, FeatureBanksAreSeenBesideTheRowsThatSelfAttentionSees) {
  open("small-mid");
  const Tensor sample = bench_.random({2, 4, 4, 4}, 1);
  const auto prompt = text(2);
  const std::vector<const TextContext*> texts(2, prompt.get());
  const Tensor times = time({300, 300});
  const std::vector<ExtraContext> empty_banks(2);
  const std::vector<RowRange> everyone = {{0, 2}, {0, 2}};
  EXPECT_LT(largest_difference(run(sample, times, texts, everyone),
                               run(sample, times, texts, everyone, {.feature_banks = empty_banks})),
            kTolerance);
}

TEST_F(UNet2DConditionTest, LeavesTheArenaAsItWasAndRepeatsItself) {
  open("small-bk-sdm");
  const Tensor sample = bench_.random({1, 9, 7, 4}, 1);
  const auto prompt = text(2);
  const Tensor times = time({300});
  const void* const before = [&] {
    const Arena::Scope scope(bench_.arena());
    return bench_.arena().allocate({}).data;
  }();
  const std::vector<float> first = run(sample, times, {prompt.get()});
  const std::size_t bytes = bench_.arena().bytes();
  EXPECT_EQ(run(sample, times, {prompt.get()}), first);
  EXPECT_EQ(bench_.arena().bytes(), bytes);
  EXPECT_EQ(bench_.arena().allocate({}).data, before);
}

TEST_F(UNet2DConditionTest, GuidanceEmbeddingIsAnErrorWhereTheModelHasNone) {
  open("small-sdxs");
  Context context = bench_.context();
  const std::vector<float> timesteps = {1};
  const Tensor out = bench_.empty({1, 1, 1, unet_->time_width()});
  expect_error([&] { unet_->time_projections(context, timesteps, 7.0F, out); }, {"time_cond_proj_dim"});
}

TEST_F(UNet2DConditionTest, NamesTheTensorThatIsMissing) {
  open("small-sdxs");
  const std::string lost = "up_blocks.1.attentions.0.proj_out.bias";
  files_->rename([&](const std::string& name) { return name == lost ? "elsewhere" : name; });
  expect_error([this] { load(); }, {lost});
}

TEST_F(UNet2DConditionTest, EmptyResidualsAddNothing) {
  open("small-mid");
  const Tensor sample = bench_.random({1, 8, 8, 4}, 1);
  const auto prompt = text(2);
  std::vector<Tensor> residuals(count_skips());
  const std::vector<float> without = run(sample, time({500}), {prompt.get()});
  EXPECT_EQ(run(sample, time({500}), {prompt.get()}, {}, {.down_residuals = residuals}), without);
  residuals.front() = bench_.random(with_channels(sample.shape, config_.block_out_channels.front()), 3);
  EXPECT_NE(run(sample, time({500}), {prompt.get()}, {}, {.down_residuals = residuals}), without);
}

TEST_F(UNet2DConditionTest, RefusesResidualsOfAnotherUNet) {
  open("small-mid");
  const Tensor sample = bench_.random({1, 8, 8, 4}, 1);
  const auto prompt = text(2);
  std::vector<Tensor> residuals(count_skips() + 1);
  const auto run_with = [&] { run(sample, time({500}), {prompt.get()}, {}, {.down_residuals = residuals}); };
  expect_error(run_with,
               {std::to_string(count_skips() + 1) + " residuals", std::to_string(count_skips()) + " skip"});
  residuals.pop_back();
  residuals[1] = bench_.random({1, 8, 7, config_.block_out_channels.front()}, 3);
  expect_error(run_with, {"residual 1", "shape"});
  residuals[1] = {};
  expect_error(
      [&] {
        run(sample, time({500}), {prompt.get()}, {}, {.mid_residual = bench_.random({1, 1, 1, 4}, 3)});
      },
      {"residual " + std::to_string(count_skips()), "shape"});
}

TEST_F(UNet2DConditionTest, NamesTheTensorThatHasNoPlace) {
  open("small-sdxs");
  files_.emplace(
      std::vector{SafeTensors::open(case_model("small-sdxs") / "unet/diffusion_pytorch_model.safetensors"),
                  stray_tensor_file()});
  expect_error([this] { load(); }, {"stray.weight", "configuration"});
}

TEST_F(UNet2DConditionTest, RefusesWeightsOfAnotherWidth) {
  open("small-sdxs");
  config_.block_out_channels = {12, 12, 24};
  expect_error([this] { load(); }, {"down_blocks.2.resnets.0"});
}

TEST_F(UNet2DConditionTest, RefusesHeadsThatDoNotDivideTheChannels) {
  open("small-sdxs");
  config_.heads = {1, 7, 4};
  expect_error([this] { load(); }, {"down_blocks.1.attentions.0", "12", "7 heads", "attention_head_dim"});
}

TEST_F(UNet2DConditionTest, RefusesGroupsThatDoNotDivideTheChannels) {
  open("small-sdxs");
  config_.norm_num_groups = 5;
  expect_error([this] { load(); }, {"norm_num_groups = 5"});
}

TEST_F(UNet2DConditionTest, RefusesUpBlocksThatDoNotMatchTheDownBlocks) {
  open("small-sdxs");
  config_.layers_per_up_block = {1, 2, 1};
  expect_error([this] { load(); }, {"up block", "layers_per_block"});
}

}  // namespace
}  // namespace streamdiffusion
