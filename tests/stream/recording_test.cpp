// Checks that a device that replays recorded steps gets the same commands unless shapes change.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "device/cuda/recording_device.h"
#include "model/files/safetensors.h"
#include "model/weight_set.h"
#include "stream/denoising_batch.h"
#include "stream/sequential_denoiser.h"
#include "stream/step_rows.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

/// Keeps the recorded sequences and computes nothing.
class KeepingDevice : public cuda::RecordingDevice {
 public:
  [[nodiscard]] DeviceTraits traits() const override { return {.name = "keeping"}; }
  [[nodiscard]] DType dtype() const override { return DType::f16; }
  Buffer allocate(std::size_t bytes) override {
    return {std::malloc(bytes), bytes, [](void* data, std::size_t) { std::free(data); }};
  }
  void synchronize() override {}
  void upload(std::span<const float> /*host*/, const Tensor& /*out*/) override { end_recording(); }
  void download(const Tensor& /*x*/, std::span<float> /*host*/) override { end_recording(); }
  Weights pack_conv2d(const HostConv2d& host) override {
    return pack(host.weight.size(), host.bias.size(),
                {.out_channels = host.out_channels, .in_channels = host.in_channels, .kernel = host.kernel});
  }
  Weights pack_linear(const HostLinear& host) override {
    return pack(host.weight.size(), host.bias.size(),
                {.out_channels = host.out_channels, .in_channels = host.in_channels});
  }
  Weights pack_vector(std::span<const float> host) override {
    auto packed = std::make_shared<cuda::PackedVector>();
    packed->values = allocate(host.size_bytes());
    return packed;
  }
  void combine(const Tensor& /*x*/, std::span<const float> /*a*/, const Tensor& /*y*/,
               std::span<const float> /*b*/, const Tensor& /*out*/) override {
    end_recording();
  }
  float cosine_similarity(const Tensor& /*x*/, const Tensor& /*y*/) override { return 0; }
  void upload_pixels(const std::uint8_t* /*host*/, float /*scale*/, float /*shift*/,
                     const Tensor& /*out*/) override {}
  void download_pixels(const Tensor& /*x*/, float /*scale*/, float /*shift*/,
                       std::uint8_t* /*host*/) override {}

  std::vector<cuda::Commands> sequences;
  int copied_buffers = 0;

 private:
  void run(const cuda::Commands& /*commands*/) override {}
  void run_sequence(const cuda::Commands& commands) override { sequences.push_back(commands); }
  void copy_buffer(const Buffer& /*from*/, const Buffer& /*to*/) override { ++copied_buffers; }

  Weights pack(std::size_t weights, std::size_t bias, const cuda::Matrix& layout) {
    auto packed = std::make_shared<cuda::PackedMatrix>();
    packed->layout = layout;
    packed->weights = allocate(weights * size_of(dtype()));
    if (bias > 0) {
      packed->bias = allocate(bias * size_of(dtype()));
    }
    return packed;
  }
};

class Recording : public ::testing::Test {
 protected:
  std::shared_ptr<WeightSet> weights(float scale) {
    return sets_.get(scale == 0 ? std::vector<ScaledLora>{} : std::vector<ScaledLora>{{lora_, scale}});
  }

  /// Makes a denoising whose prompt embedding depends on `prompt`.
  std::shared_ptr<DenoisingPlan> denoising(const std::shared_ptr<WeightSet>& weights, int prompt,
                                           std::int64_t steps = 2) {
    constexpr std::size_t kTokens = 77;
    Context context{device_, arena_};
    const auto embedding = std::make_shared<const PromptEmbedding>(
        kTokens * static_cast<std::size_t>(weights->text_encoder().config().hidden_size));
    auto made = std::make_shared<DenoisingPlan>();
    made->weights = weights;
    made->prompt_embedding = embedding;
    made->prompt = weights->text_context(context, std::to_string(prompt), *embedding);
    made->negative_prompt = weights->text_context(context, std::to_string(prompt) + " not", *embedding);
    made->steps.resize(static_cast<std::size_t>(steps));
    made->time = std::make_shared<DeviceTensor>(device_, Shape{steps, 1, 1, weights->unet().time_width()});
    made->cfg_type = CfgType::full;
    return made;
  }

  /// The one sequence that `work` records.
  template <typename Work>
  cuda::Commands recorded(Work&& work) {
    device_.sequences.clear();
    work();
    EXPECT_EQ(device_.sequences.size(), 1U);
    return device_.sequences.front();
  }
  cuda::Commands step(DenoisingBatch& batch) {
    const std::vector<FrameLabel> labels(1);
    return recorded([&] { batch.step({device_, arena_}, {.latents = input_.view(), .noise = {}}, labels); });
  }

  KeepingDevice device_;
  Arena arena_{device_};
  ModelFiles files_ = ModelFiles::open({.path = testing::tiny_model_folder()});
  std::shared_ptr<const Lora> lora_ =
      Lora::open(testing::tiny_model_folder() / "lora-kohya.safetensors",
                 {.unet = layer_shapes(files_.unet), .text_encoder = layer_shapes(files_.text_encoder)});
  WeightSets sets_{device_, files_, 0};
  Shape latents_{1, 4, 4, 4};
  DeviceTensor input_{device_, latents_};
  DeviceTensor noise_{device_, with_rows(latents_, 2)};
};

TEST_F(Recording, StaysTheSameWithAnotherPrompt) {
  const auto set = weights(0);
  DenoisingBatch batch(device_, denoising(set, 1), noise_.view(), latents_);
  const cuda::Commands before = step(batch);
  EXPECT_EQ(step(batch), before);
  batch.set_denoising(denoising(set, 2), noise_.view());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, StaysTheSameWithOtherNoiseAndScales) {
  const auto set = weights(0);
  DenoisingBatch batch(device_, denoising(set, 1), noise_.view(), latents_);
  const cuda::Commands before = step(batch);
  const auto changed = denoising(set, 1);
  changed->guidance_scale = 7;
  changed->delta = 0.5F;
  changed->do_add_noise = false;
  const DeviceTensor other_noise(device_, noise_.view().shape);
  batch.set_denoising(changed, other_noise.view());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, ComesBackWithTheGuidance) {
  const auto set = weights(0);
  const auto full = denoising(set, 1);
  const auto self = denoising(set, 1);
  self->cfg_type = CfgType::self;
  DenoisingBatch batch(device_, full, noise_.view(), latents_);
  const cuda::Commands before = step(batch);
  batch.set_denoising(self, noise_.view());
  EXPECT_NE(step(batch), before) << "fewer rows";
  batch.set_denoising(full, noise_.view());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, StaysTheSameWithAnotherScaleOfALora) {
  auto set = weights(0.5F);
  DenoisingBatch batch(device_, denoising(set, 1), noise_.view(), latents_);
  const cuda::Commands before = step(batch);
  const auto changed = weights(0.75F);
  batch.set_denoising(denoising(changed, 1), noise_.view());
  EXPECT_NE(step(batch), before) << "other memory";
  EXPECT_EQ(set.use_count(), 1);
  changed->move_to_addresses_of(device_, *set);
  EXPECT_EQ(step(batch), before);
  EXPECT_GT(device_.copied_buffers, 0);
}

TEST_F(Recording, IsOneForAllStepsOneAfterTheOther) {
  const auto set = weights(0);
  SequentialDenoiser denoiser(device_, denoising(set, 1), noise_.view(), latents_);
  const DenoisingInput input{.latents = input_.view(), .noise = {}};
  denoiser.run({device_, arena_}, input);
  ASSERT_EQ(device_.sequences.size(), 2U);
  const cuda::Commands before = device_.sequences[0];
  EXPECT_EQ(device_.sequences[1], before);
  denoiser.set_denoising(denoising(set, 2), noise_.view());
  denoiser.run({device_, arena_}, input);
  EXPECT_EQ(device_.sequences.back(), before);
}

}  // namespace
}  // namespace streamdiffusion
