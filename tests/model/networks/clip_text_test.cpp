#include "model/networks/clip_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/networks/network_bench.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

class ClipTextTest : public testing::Test {
 protected:
  ClipTextTest()
      : folder_(case_model("small-sdxs") / "text_encoder"),
        config_(parse_clip_text_config(read_text_file(folder_ / "config.json"), "config.json")),
        files_(TensorFiles::open(folder_, "model")) {
    files_.rename(current_text_encoder_name);
  }
  std::unique_ptr<ClipText> load(int clip_skip = 0) {
    return bench_.load(files_, Lora::Network::text_encoder, [&](LayerLoader& layers) {
      return std::make_unique<ClipText>(config_, layers, files_, clip_skip);
    });
  }
  std::vector<float> run(const ClipText& text_encoder, const std::vector<std::int64_t>& ids) {
    Context context = bench_.context();
    const Tensor out = bench_.empty({1, 1, std::ssize(ids), config_.hidden_size});
    text_encoder.forward(context, ids, out);
    return bench_.values(out);
  }

  std::filesystem::path folder_;
  ClipTextConfig config_;
  TensorFiles files_;
  NetworkBench bench_;
};

TEST_F(ClipTextTest, ATokenChangesNothingBeforeIt) {
  const auto text_encoder = load();
  std::vector<float> one = run(*text_encoder, {5, 9, 100, 7});
  std::vector<float> other = run(*text_encoder, {5, 9, 100, 8});
  const auto last = static_cast<std::size_t>(config_.hidden_size * 3);
  EXPECT_GT(largest_difference(one, other), 1e-2);
  one.resize(last);
  other.resize(last);
  EXPECT_LT(largest_difference(one, other), 1e-6);
}

TEST_F(ClipTextTest, TheSameTokenDiffersByItsPosition) {
  const std::vector<float> hidden = run(*load(), {5, 5});
  const auto middle = hidden.begin() + config_.hidden_size;
  EXPECT_GT(largest_difference({hidden.begin(), middle}, {middle, hidden.end()}), 1e-2);
}

TEST_F(ClipTextTest, ClipSkipLeavesOutLayers) {
  EXPECT_GT(largest_difference(run(*load(0), {1, 2, 3}), run(*load(1), {1, 2, 3})), 1e-2);
  expect_error([this] { load(-1); }, {"clip skip is -1", "0 .. 3"});
  expect_error([this] { load(4); }, {"clip skip is 4", "0 .. 3"});
}

TEST_F(ClipTextTest, RefusesIdsOutsideItsVocabulary) {
  const auto text_encoder = load();
  expect_error([&] { run(*text_encoder, {config_.vocab_size}); },
               {std::to_string(config_.vocab_size), "tokenizer"});
  expect_error([&] { run(*text_encoder, {-1}); }, {"-1"});
}

TEST_F(ClipTextTest, RefusesMoreTokensThanPositions) {
  const auto text_encoder = load();
  expect_error([&] { run(*text_encoder, std::vector<std::int64_t>(78, 1)); }, {"78", "77"});
}

TEST_F(ClipTextTest, RefusesHeadsThatDoNotDivideItsWidth) {
  config_.num_attention_heads = 3;
  expect_error([this] { load(); }, {"hidden_size 20", "3 heads"});
}

TEST_F(ClipTextTest, NamesTheTensorThatHasNoPlace) {
  --config_.num_hidden_layers;
  expect_error([this] { load(); }, {"encoder.layers.2.", "no place"});
}

TEST_F(ClipTextTest, NamesTheTensorThatIsMissing) {
  files_.rename([](const std::string& name) { return name == "final_layer_norm.bias" ? "elsewhere" : name; });
  expect_error([this] { load(); }, {"final_layer_norm.bias"});
}

TEST_F(ClipTextTest, NamesTheEmbeddingThatIsNotFiniteOnceATokenNeedsIt) {
  const std::string name = "embeddings.token_embedding.weight";
  std::map<std::string, FileTensor> tensors = files_.tensors();
  std::vector<float> table = floats(tensors.at(name));
  table[static_cast<std::size_t>(7 * config_.hidden_size + 3)] = std::numeric_limits<float>::quiet_NaN();
  tensors[name] = {DType::f32, tensors.at(name).shape, std::as_bytes(std::span(table))};
  const TemporaryFolder folder;
  write_safetensors(folder.path() / "model.safetensors", tensors);
  files_ = TensorFiles::open(folder.path(), "model");
  const auto text_encoder = load();
  EXPECT_NO_THROW(run(*text_encoder, {6, 8}));
  expect_error([&] { run(*text_encoder, {6, 7}); }, {"model.safetensors", name, "row 7", "NaN"});
}

TEST_F(ClipTextTest, TakesFilesWithPositionIds) {
  const std::string bytes =
      safetensors_bytes(R"({"embeddings.position_ids":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]}})",
                        std::string(8, '\0'));
  const auto ids = SafeTensors::parse(as_bytes(bytes), "ids");
  files_ = TensorFiles({SafeTensors::open(folder_ / "model.safetensors"), ids});
  files_.rename(current_text_encoder_name);
  EXPECT_NO_THROW(load());
}

}  // namespace
}  // namespace streamdiffusion
