// Checks that a device that replays recorded steps gets the same commands unless shapes change.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "device/recording/recording_device.h"
#include "device/recording/replaying_device.h"
#include "model/files/safetensors.h"
#include "model/weight_set.h"
#include "stream/denoising_batch.h"
#include "stream/sequential_denoiser.h"
#include "stream/step_rows.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

/// Keeps the recorded sequences and computes nothing.
class KeepingDevice : public recording::RecordingDevice {
 public:
  [[nodiscard]] DeviceTraits traits() const override { return {.name = "keeping"}; }
  [[nodiscard]] DType dtype() const override { return DType::f16; }
  Buffer allocate(std::size_t bytes) override {
    return {std::malloc(bytes), bytes, [](void* data, std::size_t) { std::free(data); }};
  }
  void synchronize() override {}
  void upload(std::span<const float> /*host*/, const Tensor& /*out*/) override { end_recording(); }
  void download(const Tensor& /*x*/, std::span<float> /*host*/) override { end_recording(); }
  Weights pack_conv2d(const HostConv2d& host) override { return pack(host.weight.size() + host.bias.size()); }
  Weights pack_linear(const HostLinear& host) override { return pack(host.weight.size() + host.bias.size()); }
  Weights pack_vector(std::span<const float> host) override { return pack(host.size()); }
  float cosine_similarity(const Tensor& /*x*/, const Tensor& /*y*/) override { return 0; }
  void upload_pixels(const std::uint8_t* /*host*/, float /*scale*/, float /*shift*/,
                     const Tensor& /*out*/) override {}
  void download_pixels(const Tensor& /*x*/, float /*scale*/, float /*shift*/,
                       std::uint8_t* /*host*/) override {}

  std::vector<recording::Commands> sequences;
  recording::Commands single;  ///< Commands that ran outside of sequences.
  int updated_layers = 0;

 private:
  /// A layer's number of values is all that this device keeps of it.
  struct Slot : recording::WeightSlot {
    Slot(recording::SlotId id, std::size_t size) : WeightSlot(id), values(size) {}
    std::size_t values;
  };

  void run(const recording::Commands& commands) override {
    single.list.insert(single.list.end(), commands.list.begin(), commands.list.end());
  }
  void run_sequence(const recording::Commands& commands) override { sequences.push_back(commands); }
  [[nodiscard]] bool have_same_layout(const recording::WeightSlot& one,
                                      const recording::WeightSlot& other) const override {
    return static_cast<const Slot&>(one).values == static_cast<const Slot&>(other).values;
  }
  void copy_contents(const recording::WeightSlot& /*from*/, const recording::WeightSlot& /*to*/) override {
    ++updated_layers;
  }

  Weights pack(std::size_t values) { return std::make_shared<Slot>(next_slot(), values); }
};

/// The weights and inputs of a denoising batch on a device.
class BatchBench {
 public:
  explicit BatchBench(Device& device) : device_(device) {
    for (const DeviceTensor* tensor : {&input_, &noise_}) {
      std::vector<float> values(static_cast<std::size_t>(tensor->view().shape.elements()));
      std::ranges::generate(values, [i = 0]() mutable { return std::sin(static_cast<float>(++i)); });
      device_.upload(values, tensor->view());
    }
  }

  std::shared_ptr<WeightSet> weights(float scale) {
    return sets_.get(scale == 0 ? std::vector<ScaledLora>{} : std::vector<ScaledLora>{{lora_, scale}});
  }
  WeightSets& sets() { return sets_; }
  Context context() { return {device_, arena_}; }
  [[nodiscard]] const Tensor& input() const { return input_.view(); }
  [[nodiscard]] const Tensor& noise() const { return noise_.view(); }

  /// Makes a denoising whose prompt embedding depends on `prompt`.
  std::shared_ptr<DenoisingPlan> denoising(const std::shared_ptr<WeightSet>& weights, int prompt) {
    constexpr std::size_t kTokens = 77;
    Context context = this->context();
    const auto embedding = std::make_shared<const PromptEmbedding>(
        kTokens * static_cast<std::size_t>(weights->text_encoder().config().hidden_size),
        static_cast<float>(prompt));
    auto made = std::make_shared<DenoisingPlan>();
    made->weights = weights;
    made->prompt_embedding = embedding;
    made->prompt = weights->text_context(context, std::to_string(prompt), *embedding);
    made->negative_prompt = weights->text_context(context, std::to_string(prompt) + " not", *embedding);
    made->steps = {{.alpha = 0.6F, .beta = 0.8F, .c_out = 1}, {.alpha = 0.8F, .beta = 0.6F, .c_out = 1}};
    const Shape times{std::ssize(made->steps), 1, 1, weights->unet().time_width()};
    made->time = std::make_shared<DeviceTensor>(device_, times);
    device_.upload(std::vector<float>(static_cast<std::size_t>(times.elements()), 0.5F), made->time->view());
    made->cfg_type = CfgType::full;
    return made;
  }
  DenoisingBatch batch(const std::shared_ptr<const DenoisingPlan>& plan) {
    return {device_, plan, noise(), input().shape};
  }
  Tensor step(DenoisingBatch& batch) {
    const std::vector<FrameLabel> labels(1);
    return batch.step(context(), {.latents = input(), .noise = {}}, labels);
  }

 private:
  Device& device_;
  Arena arena_{device_};
  ModelFiles files_ = ModelFiles::open({.path = tests::tiny_model_folder()});
  std::shared_ptr<const Lora> lora_ =
      Lora::open(tests::tiny_model_folder() / "lora-kohya.safetensors",
                 {.unet = layer_shapes(files_.unet), .text_encoder = layer_shapes(files_.text_encoder)});
  WeightSets sets_{device_, files_, 0};
  DeviceTensor input_{device_, {1, 4, 4, 4}};
  DeviceTensor noise_{device_, with_rows(input_.view().shape, 2)};
};

template <typename Command>
std::ptrdiff_t count_of(const recording::Commands& commands) {
  return std::ranges::count_if(commands.list, [](const recording::Command& command) {
    return std::holds_alternative<Command>(command);
  });
}

class Recording : public testing::Test {
 protected:
  /// The one sequence that `work` records.
  template <typename Work>
  recording::Commands recorded(Work&& work) {
    device_.sequences.clear();
    work();
    EXPECT_EQ(device_.sequences.size(), 1U);
    return device_.sequences.front();
  }
  recording::Commands step(DenoisingBatch& batch) {
    return recorded([&] { bench_.step(batch); });
  }

  KeepingDevice device_;
  BatchBench bench_{device_};
};

TEST_F(Recording, StaysTheSameWithAnotherPrompt) {
  const auto set = bench_.weights(0);
  DenoisingBatch batch = bench_.batch(bench_.denoising(set, 1));
  const recording::Commands before = step(batch);
  EXPECT_EQ(step(batch), before);
  batch.set_denoising(bench_.denoising(set, 2), bench_.noise());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, StaysTheSameWithOtherNoiseAndScales) {
  const auto set = bench_.weights(0);
  DenoisingBatch batch = bench_.batch(bench_.denoising(set, 1));
  const recording::Commands before = step(batch);
  const auto changed = bench_.denoising(set, 1);
  changed->guidance_scale = 7;
  changed->delta = 0.5F;
  changed->do_add_noise = false;
  const DeviceTensor other_noise(device_, bench_.noise().shape);
  batch.set_denoising(changed, other_noise.view());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, ComesBackWithTheGuidance) {
  const auto set = bench_.weights(0);
  const auto full = bench_.denoising(set, 1);
  const auto self = bench_.denoising(set, 1);
  self->cfg_type = CfgType::self;
  DenoisingBatch batch = bench_.batch(full);
  const recording::Commands before = step(batch);
  batch.set_denoising(self, bench_.noise());
  EXPECT_NE(step(batch), before) << "fewer rows";
  batch.set_denoising(full, bench_.noise());
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, StaysTheSameWithAnotherScaleOfALora) {
  auto set = bench_.weights(0.5F);
  DenoisingBatch batch = bench_.batch(bench_.denoising(set, 1));
  const recording::Commands before = step(batch);
  const auto changed = bench_.weights(0.75F);
  batch.set_denoising(bench_.denoising(changed, 1), bench_.noise());
  EXPECT_NE(step(batch), before) << "other memory";
  bench_.sets().reuse_slots(std::move(set), *changed);
  EXPECT_GT(device_.updated_layers, 0);
  EXPECT_EQ(step(batch), before);
}

TEST_F(Recording, LeavesWeightsThatAnotherStreamUsesAsTheyAre) {
  auto set = bench_.weights(0.5F);
  DenoisingBatch batch = bench_.batch(bench_.denoising(set, 1));
  DenoisingBatch other = bench_.batch(bench_.denoising(set, 1));
  const recording::Commands before = step(batch);
  const recording::Commands others = step(other);
  const auto changed = bench_.weights(0.75F);
  batch.set_denoising(bench_.denoising(changed, 1), bench_.noise());
  bench_.sets().reuse_slots(std::move(set), *changed);
  EXPECT_EQ(device_.updated_layers, 0);
  EXPECT_NE(step(batch), before);
  EXPECT_EQ(step(other), others);
}

TEST_F(Recording, FindsNoEarlierWeightsInASlotThatWasUpdated) {
  auto set = bench_.weights(0.5F);
  const auto changed = bench_.weights(0.75F);
  bench_.sets().reuse_slots(std::move(set), *changed);
  ASSERT_GT(device_.updated_layers, 0);
  DenoisingBatch batch = bench_.batch(bench_.denoising(bench_.weights(0.75F), 1));
  const recording::Commands now = step(batch);
  batch.set_denoising(bench_.denoising(bench_.weights(0.5F), 1), bench_.noise());
  EXPECT_NE(step(batch), now) << "the slots have the contents for 0.75";
}

TEST_F(Recording, IsOneForAllStepsOneAfterTheOther) {
  const auto set = bench_.weights(0);
  SequentialDenoiser denoiser(device_, bench_.denoising(set, 1), bench_.noise(), bench_.input().shape);
  const DenoisingInput input{.latents = bench_.input(), .noise = {}};
  denoiser.run(bench_.context(), input);
  ASSERT_EQ(device_.sequences.size(), 2U);
  const recording::Commands before = device_.sequences[0];
  EXPECT_EQ(device_.sequences[1], before);
  denoiser.set_denoising(bench_.denoising(set, 2), bench_.noise());
  denoiser.run(bench_.context(), input);
  EXPECT_EQ(device_.sequences.back(), before);
}

TEST_F(Recording, HoldsNoiseAndGuidanceOfABatch) {
  const auto set = bench_.weights(0);
  for (const CfgType type : {CfgType::none, CfgType::full, CfgType::self, CfgType::initialize}) {
    const auto plan = bench_.denoising(set, 1);
    plan->cfg_type = type;
    DenoisingBatch batch = bench_.batch(plan);
    device_.single.clear();
    const recording::Commands first = step(batch);
    const recording::Commands second = step(batch);
    EXPECT_EQ(first, second) << to_string(type) << ": an empty batch, then a full one";
    EXPECT_GE(count_of<recording::CombineCommand>(second), type == CfgType::none ? 4 : 5) << to_string(type);
    EXPECT_EQ(count_of<recording::CombineCommand>(device_.single), 0) << to_string(type);
  }
}

TEST_F(Recording, HoldsNoiseAndGuidanceOfStepsOneAfterTheOther) {
  const auto set = bench_.weights(0);
  SequentialDenoiser denoiser(device_, bench_.denoising(set, 1), bench_.noise(), bench_.input().shape);
  device_.single.clear();
  denoiser.run(bench_.context(), {.latents = bench_.input(), .noise = {}});
  EXPECT_GE(count_of<recording::CombineCommand>(device_.sequences.back()), 5);
  EXPECT_EQ(count_of<recording::CombineCommand>(device_.single), 0);
}

TEST_F(Recording, StaysTheSameWithNoiseInPlaceOfImages) {
  DenoisingBatch batch = bench_.batch(bench_.denoising(bench_.weights(0), 1));
  const recording::Commands before = step(batch);
  const std::vector<FrameLabel> labels(1);
  const DenoisingInput noise{.latents = bench_.input(), .is_noise = true, .noise = bench_.noise()};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(recorded([&] { batch.step(bench_.context(), noise, labels); }), before);
  }
}

TEST_F(Recording, StaysTheSameForStreamsThatShareACall) {
  const auto set = bench_.weights(0);
  DenoisingBatch one = bench_.batch(bench_.denoising(set, 1));
  DenoisingBatch other = bench_.batch(bench_.denoising(set, 2));
  const auto share = [&] {
    return recorded([&] {
      const DenoisingInput input{.latents = bench_.input(), .noise = {}};
      DenoisingRows* const together[] = {&one.begin_step(input), &other.begin_step(input)};
      Context context = bench_.context();
      DenoisingRows::denoise(context, together);
      for (DenoisingBatch* const batch : {&one, &other}) {
        batch->end_step(std::vector<FrameLabel>(1));
        batch->commit();
      }
    });
  };
  const recording::Commands before = share();
  EXPECT_EQ(share(), before);
  EXPECT_GE(count_of<recording::CombineCommand>(before), 10);
}

/// Steps of a batch while LoRA, guidance scale and prompt change: the predicted x_0 of each step.
std::vector<std::vector<float>> results_on(Device& device) {
  BatchBench bench(device);
  auto set = bench.weights(0.5F);
  auto plan = bench.denoising(set, 1);
  DenoisingBatch batch = bench.batch(plan);
  std::vector<std::vector<float>> results;
  const auto step = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const Tensor x0 = bench.step(batch);
      device.download(x0, results.emplace_back(static_cast<std::size_t>(x0.shape.elements())));
    }
  };
  step(3);
  const auto changed = bench.weights(0.75F);
  plan = bench.denoising(changed, 1);
  batch.set_denoising(plan, bench.noise());
  bench.sets().reuse_slots(std::move(set), *changed);
  step(2);
  plan = bench.denoising(changed, 2);
  plan->guidance_scale = 7;
  batch.set_denoising(plan, bench.noise());
  step(2);
  return results;
}

TEST(RecordedSteps, AreRepeatedWithWhatChanged) {
  tests::ReplayingDevice replaying;
  const std::vector<std::vector<float>> repeated = results_on(replaying);
  EXPECT_EQ(replaying.computed, 1);
  EXPECT_EQ(replaying.recorded, 1);
  EXPECT_EQ(replaying.repeated, 6);
  const std::vector<std::vector<float>> computed = results_on(*make_cpu_device(1));
  EXPECT_EQ(repeated, computed);
  EXPECT_NE(computed[2], computed[3]) << "the LoRA matters";
  EXPECT_NE(computed[4], computed[6]) << "guidance and prompt matter";
}

}  // namespace
}  // namespace streamdiffusion
