#include "server/model_store.h"

#include <gtest/gtest.h>

#include "model/temporary_folder.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::server {
namespace {

const std::filesystem::path kModel =
    std::filesystem::path(PROJECT_FOLDER) / "tests/conformance/cases/models/tiny-sd15";

TEST(ModelStore, CallsLorasOfOneFileNameAsTheModelDoes) {
  const TemporaryFolder folder;
  ModelOptions options;
  options.path = kModel;
  options.threads = 1;
  options.device = "cpu";
  for (const char* name : {"first", "second"}) {
    std::filesystem::create_directory(folder.path() / name);
    LoraOptions lora;
    lora.file = folder.path() / name / "pytorch_lora_weights.safetensors";
    std::filesystem::copy_file(kModel / "lora-kohya.safetensors", lora.file);
    options.loras.push_back(lora);
  }
  const ModelStore store({{"tiny", options}}, 1);
  const std::vector<LoraScale> loras = store.loras("tiny");
  ASSERT_EQ(loras.size(), 2U);
  EXPECT_EQ(loras[0].name, "first");
  EXPECT_EQ(loras[1].name, "second");
  Parameters parameters;
  parameters.lora_scales = loras;
  EXPECT_NO_THROW(Stream(store.loaded("tiny"), {.width = 32, .height = 32}, parameters));
}

}  // namespace
}  // namespace streamdiffusion::server
