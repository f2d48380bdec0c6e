// Tests of changes to a model and a stream while they run: embeddings, LoRAs, and calls that are stopped.

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "streamdiffusion/error.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;
using Embeds = std::shared_ptr<const std::vector<float>>;

class RunTimeChangesTest : public testing::Test {
 protected:
  [[nodiscard]] Frame image_of(const Parameters& parameters) const {
    Stream stream(model_, make_options(), parameters);
    return generate_image(stream, make_frame(1));
  }
  [[nodiscard]] Embeds embeds_of(const std::string& prompt) const {
    return std::make_shared<const std::vector<float>>(model_->encode_prompt(prompt));
  }

  std::shared_ptr<Model> model_ = tests::load_tiny_model();
  LoraOptions lora_ = {.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .name = "ink"};
};

TEST_F(RunTimeChangesTest, EmbeddingsOfPromptsDrawWhatThePromptsDraw) {
  Parameters by_text = make_parameters({10, 30});
  by_text.cfg_type = CfgType::full;
  by_text.guidance_scale = 2;
  Parameters by_embeds = by_text;
  by_embeds.prompt = "ignored";
  by_embeds.negative_prompt = "ignored too";
  by_embeds.prompt_embeds = embeds_of(by_text.prompt);
  by_embeds.negative_prompt_embeds = embeds_of(by_text.negative_prompt);
  EXPECT_EQ(difference(image_of(by_embeds), image_of(by_text)), 0);
  by_embeds.negative_prompt_embeds = embeds_of("something else");
  EXPECT_GT(difference(image_of(by_embeds), image_of(by_text)), 0);
}

TEST_F(RunTimeChangesTest, AnEmbeddingOfTheWrongSizeIsRefusedAndTheStreamGoesOn) {
  Stream stream(model_, make_options(), make_parameters({30}));
  const Frame before = generate_image(stream, make_frame(1));
  Parameters wrong = make_parameters({30});
  wrong.prompt_embeds = std::make_shared<const std::vector<float>>(7);
  EXPECT_THROW(stream.set_parameters(wrong), ArgumentError);
  EXPECT_EQ(difference(generate_image(stream, make_frame(1)), before), 0);
}

TEST_F(RunTimeChangesTest, AnAddedLoraActsFromTheNextParametersOn) {
  const Parameters parameters = make_parameters({10, 30});
  Stream stream(model_, make_options(), parameters);
  const Frame without = generate_image(stream, make_frame(1));
  EXPECT_EQ(model_->add_lora(lora_), "ink");
  EXPECT_EQ(model_->info().loras, (std::vector<LoraScale>{{.name = "ink", .scale = 1.0F}}));
  EXPECT_EQ(difference(generate_image(stream, make_frame(1)), without), 0);
  stream.set_parameters(parameters);
  const Frame with = generate_image(stream, make_frame(1));
  EXPECT_GT(difference(with, without), 0);
  ModelOptions options;
  options.loras = {lora_};
  const std::shared_ptr<Model> loaded = tests::load_tiny_model(options);
  Stream expected(loaded, make_options(), parameters);
  EXPECT_EQ(difference(generate_image(expected, make_frame(1)), with), 0);
}

TEST_F(RunTimeChangesTest, ARemovedLoraStopsActingWithTheNextParameters) {
  const Parameters parameters = make_parameters({10, 30});
  const Frame without = image_of(parameters);
  model_->add_lora(lora_);
  Stream stream(model_, make_options(), parameters);
  model_->remove_lora("ink");
  EXPECT_TRUE(model_->info().loras.empty());
  EXPECT_GT(difference(generate_image(stream, make_frame(1)), without), 0);
  stream.set_parameters(parameters);
  EXPECT_EQ(difference(generate_image(stream, make_frame(1)), without), 0);
  Parameters naming = parameters;
  naming.lora_scales = {{.name = "ink", .scale = 0.5F}};
  EXPECT_THROW(stream.set_parameters(naming), ArgumentError);
  EXPECT_THROW(model_->remove_lora("ink"), ArgumentError);
}

TEST_F(RunTimeChangesTest, ALoraThatCannotBeAddedChangesNothing) {
  model_->add_lora(lora_);
  EXPECT_THROW(model_->add_lora(lora_), ArgumentError);
  EXPECT_THROW(model_->add_lora({.file = "nowhere.safetensors", .name = "other"}), Error);
  EXPECT_EQ(model_->info().loras.size(), 1U);
}

/// Calls the stream until its callback stops it at the UNet call `stop_at`.
struct Stopper {
  int calls = 0;
  int stop_at = 0;
  bool operator()(const DenoisingStepInfo& step) {
    EXPECT_LT(step.call, step.calls);
    return calls++ != stop_at;
  }
};

TEST_F(RunTimeChangesTest, AStoppedCallLeavesTheStreamAsItWas) {
  for (const bool batch : {true, false}) {
    auto stopper = std::make_shared<Stopper>(Stopper{.stop_at = -1});
    StreamOptions options = make_options(1, batch);
    options.on_denoising_step = [stopper](const DenoisingStepInfo& step) { return (*stopper)(step); };
    Stream stream(model_, options, make_parameters({10, 30}));
    Stream undisturbed(model_, make_options(1, batch), make_parameters({10, 30}));
    std::vector<Frame> out;
    std::vector<Frame> expected;
    for (int i = 0; i < 4; ++i) {
      stopper->stop_at = stopper->calls + (batch ? 0 : 1);  // in sequence, the second of two calls
      EXPECT_THROW(step(stream, {make_frame(90 + i)}, out), Cancelled);
      stopper->stop_at = -1;
      step(stream, {make_frame(i)}, out);
      step(undisturbed, {make_frame(i)}, expected);
      ASSERT_EQ(out.size(), expected.size());
      if (!out.empty()) {
        EXPECT_EQ(difference(out.front(), expected.front()), 0) << batch << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace streamdiffusion
