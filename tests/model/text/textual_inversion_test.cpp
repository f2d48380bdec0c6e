#include "model/text/textual_inversion.h"

#include <gtest/gtest.h>

#include <limits>

#include "model/errors.h"
#include "model/model_impl.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

class TextualInversionTest : public testing::Test {
 protected:
  fs::path file(const std::string& name, const Tensors& tensors) const {
    tensors.write(folder_.path() / name);
    return folder_.path() / name;
  }
  fs::path file(const std::string& name, const std::string& key, const std::vector<std::int64_t>& shape,
                const std::vector<float>& values) const {
    Tensors tensors;
    tensors.add(key, shape, values);
    return file(name, tensors);
  }

  TemporaryFolder folder_;
};

TEST_F(TextualInversionTest, IsCalledAsTheTensorOrTheFile) {
  const auto read = [&](const std::string& key, const std::string& token = "") {
    return read_textual_inversion(
        {.file = file("easynegative.safetensors", key, {2}, {1, 2}), .token = token}, 2);
  };
  EXPECT_EQ(read("<cat-toy>").token, "<cat-toy>");
  EXPECT_EQ(read("emb_params").token, "easynegative");
  EXPECT_EQ(read("clip_l").token, "easynegative");
  EXPECT_EQ(read("<cat-toy>", "mine").token, "mine");
}

TEST_F(TextualInversionTest, TakesTheTensorOfThisTextEncoder) {
  Tensors tensors;
  tensors.add("clip_g", {1, 3}, {7, 8, 9});
  tensors.add("clip_l", {2, 2}, {1, 2, 3, 4});
  const TextualInversion inversion =
      read_textual_inversion({.file = file("x.safetensors", tensors), .token = ""}, 2);
  EXPECT_EQ(inversion.vectors, (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(TextualInversionTest, RefusesWhatIsNoEmbedding) {
  const auto expect = [&](const fs::path& path, const std::vector<std::string>& parts) {
    expect_error([&] { read_textual_inversion({.file = path, .token = ""}, 2); }, parts);
  };
  expect(file("a.safetensors", "emb_params", {3}, {1, 2, 3}), {"a.safetensors", "emb_params", "[3]", "2"});
  expect(file("b.safetensors", "emb_params", {}, {1}), {"[]"});
  expect(file("c.safetensors", "emb_params", {0, 2}, {}), {"[0,2]"});
  expect(file("d.safetensors", "emb_params", {1, 1, 2}, {1, 2}), {"[1,1,2]"});
  expect(file("e.safetensors", "emb_params", {2}, {1, std::numeric_limits<float>::quiet_NaN()}), {"NaN"});
  Tensors tensors;
  tensors.add("a", {2}, {1, 2});
  tensors.add("b", {2}, {1, 2});
  expect(file("f.safetensors", tensors), {"no embedding"});
  expect(folder_.path() / "nowhere.safetensors", {"nowhere"});
  expect(folder_.path() / "x.pt", {"x.pt", "any code"});
}

/// Uses a tiny model, whose text encoder has few channels.
class EmbeddingsTest : public TextualInversionTest {
 protected:
  static fs::path model() { return fs::path(PROJECT_FOLDER) / "tests/conformance/cases/models/tiny-sd15"; }

  static std::shared_ptr<Model> load(const std::vector<EmbeddingOptions>& embeddings) {
    ModelOptions options;
    options.path = model();
    options.threads = 1;
    options.embeddings = embeddings;
    return Model::load(options);
  }

  EmbeddingOptions embedding(const std::string& token, std::int64_t vectors) const {
    const auto width = ModelAccess::impl(*load({})).files.text_encoder_config.hidden_size;
    return {.file = file("x.safetensors", "emb_params", {vectors, width},
                         std::vector<float>(static_cast<std::size_t>(vectors * width), 0.5F)),
            .token = token};
  }

  using Ids = std::vector<std::int64_t>;
  /// Returns the ids between the begin and end tokens.
  static Ids ids(Model& model, const std::string& prompt) {
    Ids all = ModelAccess::impl(model).tokenize(prompt).ids;
    const auto end = std::find(all.begin() + 1, all.end(), all.back());
    return {all.begin() + 1, end};
  }
};

TEST_F(EmbeddingsTest, StandForTheirVectors) {
  const auto with = load({embedding("<cat-toy>", 3)});
  const std::int64_t first = ModelAccess::impl(*with).files.text_encoder_config.vocab_size;
  const Ids before = ids(*with, "a");
  const Ids behind = ids(*with, "b");
  Ids expected = before;
  expected.insert(expected.end(), {first, first + 1, first + 2});
  expected.insert(expected.end(), behind.begin(), behind.end());
  EXPECT_EQ(ids(*with, "a <cat-toy> b"), expected);
  EXPECT_EQ(ids(*with, "a<cat-toy>b"), expected);
}

TEST_F(EmbeddingsTest, AreFoundInAnyCase) {
  const auto with = load({embedding("<Cat-Toy>", 2)});
  const std::int64_t first = ModelAccess::impl(*with).files.text_encoder_config.vocab_size;
  EXPECT_EQ(ids(*with, "<CAT-toy> <Cat-Toy>"), (Ids{first, first + 1, first, first + 1}));
  EXPECT_EQ(ids(*with, "<cat-toy>_1"), Ids{first + 1});
}

TEST_F(EmbeddingsTest, AreFoundInsideOfWordsToo) {
  const auto with = load({embedding("mul", 2)});
  const auto without = load({});
  const std::int64_t first = ModelAccess::impl(*with).files.text_encoder_config.vocab_size;
  Ids expected = {first, first + 1};
  const Ids behind = ids(*without, "ti");
  expected.insert(expected.end(), behind.begin(), behind.end());
  EXPECT_EQ(ids(*with, "multi"), expected);
}

TEST_F(EmbeddingsTest, ChangeWhatTheTextEncoderSays) {
  const auto with = load({embedding("<cat-toy>", 2)});
  const auto weights = ModelAccess::impl(*with).weights({});
  EXPECT_NE(*ModelAccess::impl(*with).embedding(*weights, "<cat-toy>"),
            *ModelAccess::impl(*with).embedding(*weights, "cat-toy"));
}

TEST_F(EmbeddingsTest, RefusesAWordThatIsThereTwice) {
  const EmbeddingOptions one = embedding("word", 1);
  expect_error([&] { load({one, one}); }, {"x.safetensors", "\"word\"", "twice"});
  EmbeddingOptions capital = one;
  capital.token = "WORD";
  expect_error([&] { load({one, capital}); }, {"\"WORD\"", "twice"});
}

}  // namespace
}  // namespace streamdiffusion
