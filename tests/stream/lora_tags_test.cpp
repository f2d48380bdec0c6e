// Tests LoRAs that prompts name while a stream runs.

#include <gtest/gtest.h>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

namespace fs = std::filesystem;

class LoraTagsTest : public testing::Test {
 protected:
  LoraTagsTest() {
    const fs::path file = tests::tiny_model_folder() / "lora-kohya.safetensors";
    fs::create_directories(folder_.path() / "sub");
    fs::copy(file, folder_.path() / "sub" / "style.safetensors");
  }

  static Parameters with_prompt(const std::string& prompt) {
    Parameters parameters = make_parameters({20});
    parameters.prompt = prompt;
    return parameters;
  }

  static Frame image(const std::shared_ptr<Model>& model, const Parameters& parameters) {
    return generate_image(Stream(model, make_options(), parameters), make_frame(0));
  }

  /// Loads the model with the folder of LoRAs. If `scale` is given, the same LoRA is also loaded with the
  /// model.
  std::shared_ptr<Model> load(std::optional<float> scale = {}) const {
    ModelOptions options;
    options.lora_folder = folder_.path();
    if (scale) {
      options.loras = {
          {.file = tests::tiny_model_folder() / "lora-kohya.safetensors", .scale = *scale, .name = "loaded"}};
    }
    return load_tiny_model(options);
  }

  TemporaryFolder folder_;
};

TEST_F(LoraTagsTest, ApplyTheirLora) {
  const Frame expected = image(load(0.7F), with_prompt("a cat"));
  EXPECT_EQ(difference(image(load(), with_prompt("a<lora:style:0.7> cat")), expected), 0);
  EXPECT_EQ(difference(image(load(), with_prompt("<lora:style:0.3>a cat<lora:sub/style:0.4>")), expected), 0);
  EXPECT_GT(difference(image(load(), with_prompt("a cat")), expected), 0);
}

TEST_F(LoraTagsTest, StandInPlaceOfTheScaleThatWasLoaded) {
  const Frame expected = image(load(0.7F), with_prompt("a cat"));
  EXPECT_EQ(difference(image(load(0.1F), with_prompt("a cat<lora:loaded:0.7>")), expected), 0);
}

TEST_F(LoraTagsTest, ChangeWithThePromptWhileAStreamRuns) {
  const auto model = load();
  Stream stream(model, make_options(), with_prompt("a cat"));
  const Frame without = step_frames(stream, 0, 1).at(0);
  stream.set_parameters(with_prompt("a cat<lora:style>"));
  EXPECT_GT(difference(step_frames(stream, 0, 1).at(0), without), 0);
  stream.set_parameters(with_prompt("a cat"));
  EXPECT_EQ(difference(step_frames(stream, 0, 1).at(0), without), 0);
}

TEST_F(LoraTagsTest, OfUnknownNamesLeaveTheStreamAsItWas) {
  const auto model = load();
  Stream stream(model, make_options(), with_prompt("a cat"));
  const Frame before = step_frames(stream, 0, 1).at(0);
  expect_error([&] { stream.set_parameters(with_prompt("a cat<lora:other:1>")); },
               {"\"other\"", "it has style"});
  expect_error([&] { stream.set_parameters(with_prompt("a cat<lora:style:x>")); }, {"<lora:style:x>"});
  EXPECT_EQ(stream.parameters().prompt, "a cat");
  EXPECT_EQ(difference(step_frames(stream, 0, 1).at(0), before), 0);
}

TEST_F(LoraTagsTest, WithoutAFolderAreRefusedAndLeaveTheStreamAsItWas) {
  const auto model = load_tiny_model();
  Stream stream(model, make_options(), with_prompt("a cat"));
  const Frame before = step_frames(stream, 0, 1).at(0);
  expect_error([&] { stream.set_parameters(with_prompt("a cat<lora:style:1>")); },
               {"\"style\"", "folder of LoRAs"});
  Parameters blend = with_prompt("");
  blend.prompts = {{.text = "a cat"}, {.text = "a dog<lora:style:1>"}};
  expect_error([&] { stream.set_parameters(blend); }, {"\"style\"", "folder of LoRAs"});
  EXPECT_EQ(stream.parameters().prompt, "a cat");
  EXPECT_EQ(difference(step_frames(stream, 0, 1).at(0), before), 0);
}

TEST_F(LoraTagsTest, AreRefusedInTheNegativePrompt) {
  Parameters parameters = with_prompt("a cat");
  parameters.negative_prompt = "a dog<lora:style:1>";
  expect_error([&] { image(load(), parameters); }, {"negative prompt", "<lora:"});
}

}  // namespace
}  // namespace streamdiffusion
