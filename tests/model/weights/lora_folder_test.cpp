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

TEST_F(LoraFolderTest, FollowsLinksToFolders) {
  put("elsewhere/inks/ink.safetensors");
  fs::create_directory_symlink("../elsewhere", loras_ / "shared");
  EXPECT_EQ(find_lora(loras_, "ink"), loras_ / "shared/inks/ink.safetensors");
  EXPECT_EQ(find_lora(loras_, "shared/inks/ink"), loras_ / "shared/inks/ink.safetensors");
  fs::create_directory_symlink(loras_, folder_.path() / "link");
  EXPECT_EQ(find_lora(folder_.path() / "link", "ink"), folder_.path() / "link/shared/inks/ink.safetensors");
}

TEST_F(LoraFolderTest, FollowsLinksThatLeadInCirclesOnce) {
  put("loras/a/style.safetensors");
  fs::create_directory_symlink("..", loras_ / "a/up");
  fs::create_directory_symlink("b", loras_ / "b");
  fs::create_directory_symlink("nowhere", loras_ / "c");
  EXPECT_EQ(find_lora(loras_, "style"), loras_ / "a/style.safetensors");
}

TEST_F(LoraFolderTest, AFileThatIsFoundByTwoWaysIsOne) {
  put("elsewhere/ink.safetensors");
  fs::create_directory_symlink("../elsewhere", loras_ / "a");
  fs::create_directory_symlink("../elsewhere", loras_ / "b");
  EXPECT_EQ(find_lora(loras_, "ink"), loras_ / "a/ink.safetensors");
  EXPECT_EQ(find_lora(loras_, "b/ink"), loras_ / "b/ink.safetensors");
}

TEST_F(LoraFolderTest, ComparesNamesWithAccentsComposed) {
  const std::string apart = "cre\u0300me";
  const std::string composed = "cr\u00e8me";
  put("loras/" + apart + ".safetensors");
  EXPECT_EQ(find_lora(loras_, composed), loras_ / (apart + ".safetensors"));
  EXPECT_EQ(find_lora(loras_, apart), loras_ / (apart + ".safetensors"));
  put("loras/\xff.safetensors");
  EXPECT_EQ(find_lora(loras_, "\xff"), loras_ / "\xff.safetensors");
  expect_error([&] { find_lora(loras_, "\xfe"); }, {"no LoRA"});
}

}  // namespace
}  // namespace streamdiffusion
