#include "model/files/tensor_files.h"

#include <gtest/gtest.h>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

constexpr const char* kStem = "diffusion_pytorch_model";

void write_tensor(const TemporaryFolder& folder, const std::string& file, const std::string& tensor,
                  float value) {
  Tensors tensors;
  tensors.add(tensor, {1}, {value});
  tensors.write(folder.path() / file);
}

float first(const TensorFiles& files, const std::string& tensor) {
  return floats(files.get(tensor, {1})).front();
}

TEST(TensorFiles, PrefersPlainFilesToVariants) {
  const TemporaryFolder folder;
  write_tensor(folder, "diffusion_pytorch_model.fp16.safetensors", "a", 16);
  EXPECT_EQ(first(TensorFiles::open(folder.path(), kStem), "a"), 16);
  write_tensor(folder, "diffusion_pytorch_model.safetensors", "a", 32);
  EXPECT_EQ(first(TensorFiles::open(folder.path(), kStem), "a"), 32);
}

TEST(TensorFiles, SeesShardsAsOne) {
  const TemporaryFolder folder;
  write_tensor(folder, "x-1.safetensors", "a", 1);
  write_tensor(folder, "x-2.safetensors", "b", 2);
  for (const std::string index : {"model.safetensors.index.json", "model.safetensors.index.fp16.json"}) {
    folder.write(index, R"({"metadata":{},"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}})");
    const TensorFiles files = TensorFiles::open(folder.path(), "model");
    EXPECT_EQ(first(files, "a"), 1);
    EXPECT_EQ(first(files, "b"), 2);
    std::filesystem::remove(folder.path() / index);
  }
}

TEST(TensorFiles, PrefersShardsToOneFileAsDiffusersDoesAndOneFileAsTransformersDoes) {
  const TemporaryFolder folder;
  for (const std::string stem : {kStem, "model"}) {
    write_tensor(folder, stem + ".safetensors", "a", 1);
    write_tensor(folder, stem + "-00001-of-00001.safetensors", "a", 2);
    folder.write(stem + ".safetensors.index.json",
                 R"({"weight_map":{"a":")" + stem + R"(-00001-of-00001.safetensors"}})");
    EXPECT_EQ(first(TensorFiles::open(folder.path(), stem), "a"), stem == kStem ? 2 : 1);
    std::filesystem::remove(folder.path() / (stem + "-00001-of-00001.safetensors"));
    EXPECT_EQ(first(TensorFiles::open(folder.path(), stem), "a"), 1) << "shards that are gone";
  }
}

TEST(TensorFiles, TellsWhichFileATensorOrAPartOfItIsInAndItsNameThere) {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.add("text_model.a", {2, 2}, {1, 2, 3, 4});
  tensors.write(folder.path() / "x-1.safetensors");
  write_tensor(folder, "x-2.safetensors", "text_model.b", 2);
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"text_model.a":"x-1.safetensors","text_model.b":"x-2.safetensors"}})");
  TensorFiles files = TensorFiles::open(folder.path(), "model");
  files.rename(current_text_encoder_name);
  FileTensor last_row = files.get("a", {2, 2});
  last_row.bytes = last_row.bytes.subspan(8);
  EXPECT_EQ(files.where(last_row),
            (folder.path() / "x-1.safetensors").string() + ": tensor \"text_model.a\"");
  EXPECT_EQ(files.where(files.get("b", {1})),
            (folder.path() / "x-2.safetensors").string() + ": tensor \"text_model.b\"");
}

TEST(TensorFiles, RefusesAnIndexThatIsWrong) {
  const TemporaryFolder folder;
  write_tensor(folder, "x-1.safetensors", "a", 1);
  const auto expect = [&](const std::string& index, const std::vector<std::string>& parts) {
    folder.write("model.safetensors.index.json", index);
    expect_error([&] { TensorFiles::open(folder.path(), "model"); }, parts);
  };
  expect("{", {"index.json", "JSON"});
  expect("{}", {"index.json", "weight_map"});
  expect(R"({"weight_map":{"a":1}})", {"weight_map \"a\""});
  expect(R"({"weight_map":{"a":"../x-1.safetensors"}})", {"weight_map \"a\"", "beside"});
  expect(R"({"weight_map":{"a":"missing.safetensors"}})", {"missing.safetensors"});
  expect(R"({"weight_map":{"b":"x-1.safetensors"}})", {"x-1.safetensors", "\"b\""});
}

TEST(TensorFiles, OfATensorThatAnIndexRepeatsTheLastFileCounts) {
  const TemporaryFolder folder;
  write_tensor(folder, "x-1.safetensors", "a", 1);
  write_tensor(folder, "x-2.safetensors", "a", 2);
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"a":"x-1.safetensors","a":"x-2.safetensors"}})");
  EXPECT_EQ(first(TensorFiles::open(folder.path(), "model"), "a"), 2);
}

TEST(TensorFiles, SaysWhyPicklesAreRefusedAndWhatToDo) {
  const TemporaryFolder folder;
  folder.write("diffusion_pytorch_model.bin", "x");
  expect_error([&] { TensorFiles::open(folder.path(), kStem); }, {".bin", "run any code", "save_pretrained"});
}

TEST(TensorFiles, NamesWhatIsMissing) {
  const TemporaryFolder folder;
  expect_error([&] { TensorFiles::open(folder.path(), "model"); },
               {folder.path().string(), "model.safetensors"});
  expect_error([&] { TensorFiles::open(folder.path() / "unet", "model"); }, {"unet", "no such folder"});
  write_tensor(folder, "model.safetensors", "a", 1);
  const TensorFiles files = TensorFiles::open(folder.path(), "model");
  expect_error([&] { static_cast<void>(files.get("b", {1})); }, {"model.safetensors", "\"b\""});
  expect_error(
      [&] {
        static_cast<void>(files.get("a", {2, 3}));
      },
      {"model.safetensors", "\"a\"", "[1]", "[2,3]"});
}

TEST(TensorFiles, RefusesNamesThatBecomeOne) {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.add("a", {1}, {1});
  tensors.add("text_model.a", {1}, {2});
  tensors.write(folder.path() / "model.safetensors");
  TensorFiles files = TensorFiles::open(folder.path(), "model");
  expect_error([&] { files.rename(current_text_encoder_name); }, {"\"a\"", "twice"});
}

TEST(TensorFiles, KnowsTodaysNames) {
  EXPECT_EQ(current_text_encoder_name("text_model.encoder.layers.0.x"), "encoder.layers.0.x");
  EXPECT_EQ(current_text_encoder_name("encoder.layers.0.x"), "encoder.layers.0.x");
  EXPECT_EQ(current_autoencoder_name("encoder.mid_block.attentions.0.query.weight"),
            "encoder.mid_block.attentions.0.to_q.weight");
  EXPECT_EQ(current_autoencoder_name("decoder.mid_block.attentions.0.proj_attn.bias"),
            "decoder.mid_block.attentions.0.to_out.0.bias");
  EXPECT_EQ(current_autoencoder_name("encoder.conv_in.weight"), "encoder.conv_in.weight");
}

}  // namespace
}  // namespace streamdiffusion
