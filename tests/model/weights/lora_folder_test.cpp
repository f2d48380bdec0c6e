#include "model/weights/lora_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "model/errors.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

class LoraFolderTest : public testing::Test {
 protected:
  LoraFolderTest() { fs::create_directories(loras_); }
  void put(const fs::path& file) const {
    fs::create_directories((folder_.path() / file).parent_path());
    std::ofstream(folder_.path() / file) << "x";
  }

  TemporaryFolder folder_;
  fs::path loras_ = folder_.path() / "loras";
};

TEST_F(LoraFolderTest, FindsFilesByNameInSubfoldersToo) {
  put("loras/style.safetensors");
  put("loras/people/Detail v2.safetensors");
  EXPECT_EQ(find_lora(loras_, "style"), loras_ / "style.safetensors");
  EXPECT_EQ(find_lora(loras_, "Detail v2"), loras_ / "people/Detail v2.safetensors");
  EXPECT_EQ(find_lora(loras_, "people/Detail v2"), loras_ / "people/Detail v2.safetensors");
}

TEST_F(LoraFolderTest, NamesWhatIsThereWhereNothingIsFound) {
  expect_error([&] { find_lora(loras_, "x"); }, {"\"x\"", "it has none"});
  put("loras/style.safetensors");
  put("loras/other.ckpt");
  for (const char* const name : {"Style", "other", "style.safetensors", "", ".", "styl"}) {
    expect_error([&] { find_lora(loras_, name); }, {"it has style"});
  }
  expect_error([&] { find_lora(folder_.path() / "nowhere", "style"); }, {"nowhere", "cannot be read"});
}

TEST_F(LoraFolderTest, StaysInTheFolder) {
  put("secret.safetensors");
  put("loras/style.safetensors");
  for (const std::string& name :
       {std::string("../secret"), (folder_.path() / "secret").string(), std::string("people/../../secret")}) {
    expect_error([&] { find_lora(loras_, name); }, {"no LoRA"});
  }
}

TEST_F(LoraFolderTest, AsksForTheSubfolderWhereTwoHaveTheName) {
  put("loras/a/style.safetensors");
  put("loras/b/style.safetensors");
  expect_error([&] { find_lora(loras_, "style"); }, {"<lora:a/style:1>", "<lora:b/style:1>"});
  EXPECT_EQ(find_lora(loras_, "b/style"), loras_ / "b/style.safetensors");
}

}  // namespace
}  // namespace streamdiffusion
