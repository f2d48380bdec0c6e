#include "streamdiffusion/model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/model_impl.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

fs::path published(const std::string& name) {
  return fs::path(PROJECT_FOLDER) / "tests" / "conformance" / "cases" / "models" / name;
}

ModelOptions options_of_folder(const fs::path& folder) {
  ModelOptions options;
  options.path = folder;
  options.threads = 1;
  return options;
}

fs::path copy_of(const std::string& name, const TemporaryFolder& temporary) {
  const fs::path folder = temporary.path() / name;
  fs::copy(published(name), folder, fs::copy_options::recursive);
  return folder;
}

void change_json(const fs::path& file, const std::string& field, const nlohmann::json& value) {
  nlohmann::json json = nlohmann::json::parse(std::ifstream(file));
  json[field] = value;
  std::ofstream(file) << json;
}

TEST(Model, TellsWhatItIs) {
  ModelOptions options = options_of_folder(published("tiny-sd15") / "");
  options.loras = {{.file = published("tiny-sd15") / "lora-kohya.safetensors", .scale = 0.5F, .name = {}}};
  const auto model = Model::load(options);
  EXPECT_EQ(model->info().name, "tiny-sd15");
  EXPECT_EQ(model->info().native_size, 128);
  EXPECT_EQ(model->info().prompt_tokens, 77);
  EXPECT_EQ(model->info().loras, (std::vector<LoraScale>{{.name = "lora-kohya", .scale = 0.5F}}));
}

TEST(Model, LoadingStopsWhenItIsToldTo) {
  std::atomic<bool> stop = true;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.stop = &stop;
  EXPECT_THROW(Model::load(options), Cancelled);
  stop = false;
  EXPECT_NO_THROW(Model::load(options));
}

TEST(Model, ALoraIsAppliedOnlyUnlessItIsStopped) {
  std::atomic<bool> stop = false;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.stop = &stop;
  const auto model = Model::load(options);
  model->add_lora({.file = published("tiny-sd15") / "lora-kohya.safetensors"});
  stop = true;
  EXPECT_THROW(model->encode_prompt("red apple", {}), Cancelled);
  stop = false;
  EXPECT_NO_THROW(model->encode_prompt("red apple", {}));
}

TEST(Model, LorasOfOneFileNameAreCalledAsTheirFolders) {
  const TemporaryFolder temporary;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  for (const char* folder : {"ink", "oil"}) {
    fs::create_directory(temporary.path() / folder);
    const fs::path file = temporary.path() / folder / "adapter_model.safetensors";
    fs::copy_file(published("tiny-sd15") / "lora-kohya.safetensors", file);
    options.loras.push_back({.file = file, .scale = 0.5F, .name = {}});
  }
  const std::vector<LoraScale> loras = Model::load(options)->info().loras;
  ASSERT_EQ(loras.size(), 2U);
  EXPECT_EQ(loras[0].name, "ink");
  EXPECT_EQ(loras[1].name, "oil");
  options.loras[1].file = options.loras[0].file;
  expect_error([&] { Model::load(options); },
               {options.loras[0].file.string(), "given twice", "sum of the scales"});
}

TEST(Model, LorasThatCannotBeToldApartByNameAreRefused) {
  const TemporaryFolder temporary;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  for (const char* folder : {"a/loras", "b/loras"}) {
    fs::create_directories(temporary.path() / folder);
    options.loras.push_back({.file = temporary.path() / folder / "ink.safetensors"});
    std::ofstream(options.loras.back().file) << folder;
  }
  expect_error([&] { Model::load(options); },
               {options.loras[0].file.string(), options.loras[1].file.string(), "\"loras\""});
}

TEST(Model, AnAutoencoderThatIsNoneIsRefusedWithWhatItIs) {
  const TemporaryFolder temporary;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.vae = "taesd";
  expect_error([&] { Model::load(options); }, {"taesd: there is no such folder or file", "config.json"});
  options.vae = published("tiny-sd15");
  expect_error([&] { Model::load(options); }, {"is a whole model", "subfolder vae"});
  options.vae = temporary.path();
  expect_error([&] { Model::load(options); }, {"has no config.json"});
}

TEST(Model, EachShapeAndFileFormLoads) {
  for (const char* name : {"tiny-sd15", "tiny-sd21", "tiny-v", "tiny-boundary", "tiny-kl"}) {
    EXPECT_NO_THROW(Model::load(options_of_folder(published(name)))) << name;
  }
}

TEST(Model, AFolderThatIsNoneSaysWhatWasExpected) {
  const TemporaryFolder temporary;
  temporary.write("model.safetensors", "x");
  expect_error([&] { Model::load(options_of_folder(temporary.path() / "nowhere")); },
               {"nowhere", "no such folder or file"});
  expect_error([&] { Model::load(options_of_folder(temporary.path() / "model.safetensors")); },
               {"model.safetensors", "not a safetensors file"});
  expect_error([&] { Model::load(options_of_folder(temporary.path())); }, {"no model_index.json"});
}

TEST(Model, MissingPartsAreNamedTogether) {
  const TemporaryFolder temporary;
  const fs::path folder = copy_of("tiny-sd15", temporary);
  fs::remove_all(folder / "tokenizer");
  fs::remove_all(folder / "vae");
  expect_error([&] { Model::load(options_of_folder(folder)); }, {"missing: tokenizer, vae"});
}

TEST(Model, PartsThatDoNotFitOneAnotherAreErrorsThatNameBoth) {
  const TemporaryFolder temporary;
  const fs::path folder = copy_of("tiny-sd15", temporary);
  const auto expect_refused = [&folder](const fs::path& file, const std::string& field,
                                        const nlohmann::json& value, const std::vector<std::string>& parts) {
    const nlohmann::json before = nlohmann::json::parse(std::ifstream(folder / file));
    change_json(folder / file, field, value);
    expect_error([&] { Model::load(options_of_folder(folder)); }, parts);
    std::ofstream(folder / file) << before;
  };
  expect_refused("unet/config.json", "in_channels", 9, {"in_channels"});
  expect_refused("unet/config.json", "cross_attention_dim", 48,
                 {"cross_attention_dim is 48", "hidden_size 32"});
  expect_refused("text_encoder/config.json", "vocab_size", 100, {"vocab_size is only 100"});
  expect_refused("text_encoder/config.json", "max_position_embeddings", 20,
                 {"max_position_embeddings only 20"});
  expect_refused("vae/config.json", "latent_channels", 16, {"latent_channels is 16"});
  EXPECT_NO_THROW(Model::load(options_of_folder(folder)));
}

TEST(Model, TheAutoencoderCanComeFromAnotherFolder) {
  const TemporaryFolder temporary;
  const fs::path folder = copy_of("tiny-sd15", temporary);
  fs::remove_all(folder / "vae");
  ModelOptions options = options_of_folder(folder);
  options.vae = published("tiny-kl") / "vae";
  EXPECT_NO_THROW(Model::load(options));
  options.vae = temporary.path() / "nowhere";
  expect_error([&] { Model::load(options); }, {"nowhere"});
}

TEST(Model, OptionsOutOfRangeAreErrors) {
  const auto expect_refused = [](auto&& change, const std::vector<std::string>& parts) {
    ModelOptions options = options_of_folder(published("tiny-sd15"));
    change(options);
    expect_error([&] { Model::load(options); }, parts);
  };
  const LoraOptions lora{
      .file = published("tiny-sd15") / "lora-kohya.safetensors", .scale = 1.0F, .name = "one"};
  expect_refused([](ModelOptions& o) { o.device = "abacus"; }, {"abacus"});
  expect_refused([](ModelOptions& o) { o.precision = "f8"; }, {"f8"});
  expect_refused([](ModelOptions& o) { o.threads = -1; }, {"threads is -1"});
  expect_refused([](ModelOptions& o) { o.clip_skip = 99; }, {"clip"});
  expect_refused([](ModelOptions& o) { o.clip_skip = -1; }, {"clip"});
  expect_refused([&](ModelOptions& o) { o.loras = {lora, lora}; }, {"given twice"});
  expect_refused(
      [](ModelOptions& o) { o.loras = {{.file = "nowhere.safetensors", .scale = 1.0F, .name = {}}}; },
      {"nowhere.safetensors"});
}

/// The code of the Error that loading with the changed options throws.
template <typename Change>
ErrorCode code_of(Change&& change) {
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  change(options);
  try {
    Model::load(options);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no Error";
  return ErrorCode::other;
}

TEST(Model, AMissingFileHasTheSameCodeWhereverItIsNamed) {
  const fs::path file = "nowhere/nothing.safetensors";
  const fs::path folder = "nowhere";
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.path = folder; }), ErrorCode::invalid_file);
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.path = file; }), ErrorCode::invalid_file);
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.vae = file; }), ErrorCode::invalid_file);
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.lora_folder = folder; }), ErrorCode::invalid_file);
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.loras = {{.file = file}}; }), ErrorCode::invalid_file);
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.loras = {{.file = published("tiny-sd15")}}; }),
            ErrorCode::invalid_file)
      << "a folder";
  EXPECT_EQ(code_of([&](ModelOptions& o) { o.embeddings = {{.file = file}}; }), ErrorCode::invalid_file);
}

TEST(Model, AnOptionOutOfRangeHasTheCodeOfAnArgument) {
  EXPECT_EQ(code_of([](ModelOptions& o) { o.clip_skip = 99; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([](ModelOptions& o) { o.prediction_type = "x0"; }), ErrorCode::invalid_argument);
}

TEST(Model, PromptsOfMoreBytesThanAStreamTakesAreNotEncoded) {
  const auto model = Model::load(options_of_folder(published("tiny-sd15")));
  EXPECT_NO_THROW(model->encode_prompt(std::string(Parameters::kLongestText, ' ')));
  EXPECT_THROW(model->encode_prompt(std::string(Parameters::kLongestText + 1, ' ')), ArgumentError);
}

TEST(Model, NamesOfLorasAreUtf8) {
  const auto model = Model::load(options_of_folder(published("tiny-sd15")));
  const fs::path file = published("tiny-sd15") / "lora-kohya.safetensors";
  expect_error([&] { model->add_lora({.file = file, .name = "\xff"}); }, {file.string(), "UTF-8"});
  EXPECT_TRUE(model->info().loras.empty());
}

TEST(Model, LoraKeysThatMatchNothingAreReported) {
  std::vector<std::string> warnings;
  ModelOptions options = options_of_folder(published("tiny-kl"));
  options.on_warning = [&warnings](const std::string& message) { warnings.push_back(message); };
  options.loras = {
      {.file = published("tiny-sd15") / "lora-processor.safetensors", .scale = 0.0F, .name = {}}};
  Model::load(options);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("match no layer"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("lora-processor.safetensors"), std::string::npos) << warnings[0];
}

TEST(Model, APromptThatIsCutIsSaidToBeCutAndWhereOnce) {
  std::vector<std::string> warnings;
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.on_warning = [&warnings](const std::string& message) { warnings.push_back(message); };
  const auto model = Model::load(options);
  std::string prompt;
  for (int i = 0; i < 100; ++i) {
    prompt += "cat ";
  }
  ModelAccess::impl(*model).tokenize(prompt + "and the end");
  ModelAccess::impl(*model).tokenize(prompt + "and the end");
  ModelAccess::impl(*model).tokenize("cat");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("77 tokens"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("and the end"), std::string::npos) << warnings[0];
}

TEST(Model, FieldsOfASchedulerWithoutEffectAreReported) {
  const TemporaryFolder temporary;
  const fs::path folder = copy_of("tiny-sd15", temporary);
  change_json(folder / "scheduler/scheduler_config.json", "thresholding", true);
  std::vector<std::string> warnings;
  ModelOptions options = options_of_folder(folder);
  options.on_warning = [&warnings](const std::string& message) { warnings.push_back(message); };
  Model::load(options);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("scheduler_config.json: thresholding"), std::string::npos) << warnings[0];
}

TEST(Model, WeightSetsAreSharedByScaleAndFreedWhenNobodyHasThem) {
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.loras = {{.file = published("tiny-sd15") / "lora-kohya.safetensors", .scale = 0.5F, .name = "one"}};
  const auto model = Model::load(options);
  const auto loaded = ModelAccess::impl(*model).weights({});
  EXPECT_EQ(ModelAccess::impl(*model).weights({{.name = "one", .scale = 0.5F}}), loaded);
  std::weak_ptr<WeightSet> other = ModelAccess::impl(*model).weights({{.name = "one", .scale = 0.25F}});
  EXPECT_FALSE(other.expired());  // the latest is kept
  EXPECT_EQ(ModelAccess::impl(*model).weights({}), loaded);
  EXPECT_TRUE(other.expired());
  expect_error([&] { ModelAccess::impl(*model).weights({{.name = "two", .scale = 1.0F}}); }, {"\"two\""});
}

TEST(Model, LorasAreFoundByNamesWithAccentsComposed) {
  ModelOptions options = options_of_folder(published("tiny-sd15"));
  options.loras = {{.file = published("tiny-sd15") / "lora-kohya.safetensors", .name = "cre\u0300me"}};
  const auto model = Model::load(options);
  EXPECT_NO_THROW(ModelAccess::impl(*model).weights({{.name = "cr\u00e8me", .scale = 0.5F}}));
  EXPECT_NO_THROW(ModelAccess::impl(*model).weights({{.name = "cre\u0300me", .scale = 0.5F}}));
}

TEST(Model, PromptsAreEncodedOnceForEachWeightSet) {
  const auto model = Model::load(options_of_folder(published("tiny-sd15")));
  const auto weights = ModelAccess::impl(*model).weights({});
  const auto first = ModelAccess::impl(*model).text_context(*weights, "a cat");
  EXPECT_NE(ModelAccess::impl(*model).text_context(*weights, "a dog"), first);
  EXPECT_EQ(ModelAccess::impl(*model).text_context(*weights, "a cat"), first);
}

}  // namespace
}  // namespace streamdiffusion
