#include "model/files/dduf.h"

#include <gtest/gtest.h>

#include "model/errors.h"
#include "model/files/stored_zip.h"
#include "model/files/text_file.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> read(const std::string& zip) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, bytes] : read_stored_zip(as_bytes(zip), "model.dduf")) {
    texts[name] = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  return texts;
}

TEST(Dduf, ReadsEntriesAlsoOfZip64AndBeforeAComment) {
  for (const bool zip64 : {false, true}) {
    StoredZip zip(zip64);
    zip.add("model_index.json", "{}");
    zip.add("unet/config.json", "");
    zip.add("unet/x.safetensors", std::string("a\0b", 3));
    const std::map<std::string, std::string> expected = {
        {"model_index.json", "{}"}, {"unet/config.json", ""}, {"unet/x.safetensors", std::string("a\0b", 3)}};
    EXPECT_EQ(read(zip.bytes()), expected) << zip64;
    EXPECT_EQ(read(zip.bytes("a comment")), expected) << zip64;
  }
  EXPECT_TRUE(read(StoredZip().bytes()).empty());
}

TEST(Dduf, RefusesWhatIsCutShort) {
  for (const bool zip64 : {false, true}) {
    StoredZip zip(zip64);
    zip.add("a", "text");
    const std::string bytes = zip.bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      expect_error([&] { read(bytes.substr(0, size)); }, {"model.dduf", "again"});
      expect_error([&] { read(bytes.substr(bytes.size() - size)); }, {"model.dduf", "again"});
    }
  }
}

TEST(Dduf, NeverReadsOutsideOfDamagedFiles) {
  StoredZip zip(true);
  zip.add("a", "text");
  const std::string bytes = zip.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const char damage : {'\0', '\x01', '\x7f', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = damage;
      try {
        read(damaged);
      } catch (const Error&) {
      }
    }
  }
}

TEST(Dduf, RefusesCompressedEntriesAndNamesThatAreThereTwice) {
  StoredZip compressed;
  compressed.add("unet/config.json", "x", 8);
  expect_error([&] { read(compressed.bytes()); }, {"model.dduf", "unet/config.json", "compressed"});
  StoredZip twice;
  twice.add("a", "x");
  twice.add("a", "y");
  expect_error([&] { read(twice.bytes()); }, {"model.dduf", "\"a\" twice"});
}

TEST(Dduf, PathsLeadIntoIt) {
  const TemporaryFolder folder;
  StoredZip zip;
  zip.add("model_index.json", "{}");
  zip.add("unet/config.json", "text");
  folder.write("model.dduf", zip.bytes());
  const fs::path dduf = folder.path() / "model.dduf";
  EXPECT_EQ(read_text_file(dduf / "unet/config.json"), "text");
  EXPECT_TRUE(is_model_file(dduf / "model_index.json"));
  EXPECT_FALSE(is_model_file(dduf / "unet"));
  EXPECT_FALSE(is_model_file(dduf / "une"));
  EXPECT_TRUE(is_model_folder(dduf));
  EXPECT_TRUE(is_model_folder(dduf / ""));
  EXPECT_TRUE(is_model_folder(dduf / "unet"));
  EXPECT_TRUE(is_model_folder(dduf / "unet" / ""));
  EXPECT_FALSE(is_model_folder(dduf / "une"));
  EXPECT_FALSE(is_model_folder(dduf / ".." / "model.dduf" / "vae"));
  expect_error([&] { read_text_file(dduf / "unet/x.json"); }, {"model.dduf", "no \"unet/x.json\""});
  expect_error([&] { read_text_file(dduf / "unet/config.json", 3); }, {"config.json", "larger than 3"});
  expect_error([&] { SafeTensors::open(dduf / "unet/x.safetensors"); }, {"model.dduf", "x.safetensors"});
}

ModelOptions options_for(const fs::path& path) {
  ModelOptions options;
  options.path = path;
  options.threads = 1;
  return options;
}

TEST(Dduf, AModelLoadsAsItsFolderDoes) {
  const TemporaryFolder temporary;
  const fs::path model = fs::path(PROJECT_FOLDER) / "tests/conformance/cases/models/tiny-sd15";
  StoredZip zip;
  zip.add_folder(model);
  temporary.write("tiny.dduf", zip.bytes());
  const auto loaded = Model::load(options_for(temporary.path() / "tiny.dduf"));
  EXPECT_EQ(loaded->info().name, "tiny");
  EXPECT_EQ(loaded->info().native_size, 128);
  ModelOptions other = options_for(model);
  other.vae = temporary.path() / "tiny.dduf/vae";
  EXPECT_NO_THROW(Model::load(other));
}

TEST(Dduf, AModelThatIsNotCompleteSaysWhatIsMissing) {
  const TemporaryFolder temporary;
  StoredZip zip;
  zip.add("unet/config.json", "{}");
  temporary.write("tiny.dduf", zip.bytes());
  expect_error([&] { Model::load(options_for(temporary.path() / "tiny.dduf")); },
               {"tiny.dduf has no model_index"});
  temporary.write("no.dduf", "text");
  expect_error([&] { Model::load(options_for(temporary.path() / "no.dduf")); },
               {"no.dduf", "not a DDUF file"});
}

}  // namespace
}  // namespace streamdiffusion
