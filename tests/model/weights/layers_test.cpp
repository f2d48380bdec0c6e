#include "model/weights/layers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

/// The parameters that the device was given, unchanged.
struct KeptWeights : PackedWeights {
  std::vector<float> weight;
  std::vector<float> bias;
};

const KeptWeights& kept(const Weights& weights) { return static_cast<const KeptWeights&>(*weights); }

/// A device that only stores weights and computes nothing.
class PackingDevice : public Device {
 public:
  [[nodiscard]] DeviceTraits traits() const override { return {.name = "packing"}; }
  [[nodiscard]] DType dtype() const override { return DType::f32; }
  Weights pack_conv2d(const HostConv2d& host) override { return keep(host.weight, host.bias); }
  Weights pack_linear(const HostLinear& host) override { return keep(host.weight, host.bias); }
  Weights pack_vector(std::span<const float> host) override { return keep(host, {}); }

  Buffer allocate(std::size_t) override { return {}; }
  void synchronize() override {}
  void upload(std::span<const float>, const Tensor&) override {}
  void download(const Tensor&, std::span<float>) override {}
  void conv2d(const Tensor&, const PackedWeights&, const Conv2dOptions&, const Tensor&) override {}
  void linear(const Tensor&, const PackedWeights&, const LinearOptions&, const Tensor&) override {}
  void group_norm(const Tensor&, const PackedWeights&, const PackedWeights&, std::int64_t, float, Activation,
                  const Tensor&) override {}
  void layer_norm(const Tensor&, const PackedWeights&, const PackedWeights&, float, const Tensor&) override {}
  void attention(const Tensor&, const Tensor&, const Tensor&, const AttentionOptions&,
                 const Tensor&) override {}
  void map(const Tensor&, float, Activation, float, float, const Tensor&) override {}
  void copy(const Tensor&, const Tensor&) override {}
  void add(const Tensor&, const Tensor&, const Tensor&) override {}
  void combine(const Tensor&, std::span<const float>, const Tensor&, std::span<const float>,
               const Tensor&) override {}
  float cosine_similarity(const Tensor&, const Tensor&) override { return 0; }
  void upload_pixels(const std::uint8_t*, float, float, const Tensor&) override {}
  void download_pixels(const Tensor&, float, float, std::uint8_t*) override {}

 private:
  static Weights keep(std::span<const float> weight, std::span<const float> bias) {
    auto weights = std::make_shared<KeptWeights>();
    weights->weight.assign(weight.begin(), weight.end());
    weights->bias.assign(bias.begin(), bias.end());
    return weights;
  }
};

/// Layers q and k [2, 2] (k stored as a convolution), conv [1, 1, 3, 3], and a LoRA on q.
class Layers : public testing::Test {
 protected:
  Layers() {
    Tensors tensors;
    tensors.add("q.weight", {2, 2}, {1, 2, 3, 4});
    tensors.add("q.bias", {2}, {10, 20});
    tensors.add("k.weight", {2, 2, 1, 1}, {5, 6, 7, 8});
    tensors.add("k.bias", {2}, {30, 40});
    tensors.add("conv.weight", {1, 1, 3, 3}, std::vector<float>(9, 1));
    tensors.add("conv.bias", {1}, {1});
    tensors.add("norm.weight", {2}, {1, 2});
    tensors.add("norm.bias", {2}, {3, 4});
    tensors.add("gain", {2}, {1, 2});
    tensors.write(folder_.path() / "model.safetensors");
    files_.emplace(TensorFiles::open(folder_.path(), "model"));

    Tensors lora;
    lora.add("unet.q.lora_A.weight", {1, 2}, {1, 1});
    lora.add("unet.q.lora_B.weight", {2, 1}, {1, 2});
    lora_ = open(lora);
  }

  /// Writes these tensors to a LoRA file and opens it.
  std::shared_ptr<const Lora> open(const Tensors& tensors) {
    const std::filesystem::path file =
        folder_.path() / ("lora" + std::to_string(++files_written_) + ".safetensors");
    tensors.write(file);
    return Lora::open(file, {.unet = layer_shapes(*files_), .text_encoder = {}});
  }
  LayerLoader loader(std::vector<ScaledLora> loras) {
    return {device_, *files_, Lora::Network::unet, std::move(loras), cache_};
  }

  LayerLoader loader(float lora_scale = 0) {
    return {device_, *files_, Lora::Network::unet, {{lora_, lora_scale}}, cache_};
  }

  TemporaryFolder folder_;
  PackingDevice device_;
  std::optional<TensorFiles> files_;
  int files_written_ = 0;
  std::shared_ptr<const Lora> lora_;
  LayerCache cache_;
};

TEST_F(Layers, PutsSeveralLinearLayersOneAfterTheOther) {
  const Weights qk = loader().linear(std::vector<std::string>{"q", "k"}, 2, 2);
  EXPECT_EQ(kept(qk).weight, (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(kept(qk).bias, (std::vector<float>{10, 20, 30, 40}));
}

TEST_F(Layers, AddsALoraAtItsScale) {
  EXPECT_EQ(kept(loader(0.5F).linear("q", 2, 2)).weight, (std::vector<float>{1.5F, 2.5F, 4, 5}));
}

TEST_F(Layers, ChangesNormsAndBiases) {
  Tensors tensors;
  tensors.add("norm.w_norm", {2}, {10, 20});
  tensors.add("norm.b_norm", {2}, {30, 40});
  tensors.add("q.diff_b", {2}, {1, 2});
  const std::shared_ptr<const Lora> lora = open(tensors);
  EXPECT_EQ(kept(loader({{lora, 0.5F}}).norm_weight("norm", 2)).weight, (std::vector<float>{6, 12}));
  EXPECT_EQ(kept(loader({{lora, 0.5F}}).norm_bias("norm", 2)).weight, (std::vector<float>{18, 24}));
  EXPECT_EQ(kept(loader({{lora, 0.5F}}).linear("q", 2, 2)).bias, (std::vector<float>{10.5F, 21}));
  EXPECT_EQ(kept(loader({{lora, 0}}).norm_weight("norm", 2)).weight, (std::vector<float>{1, 2}));
}

TEST_F(Layers, GivesALayerTheBiasThatALoraBrings) {
  Tensors tensors;
  tensors.add("q.lora_up.bias", {2}, {1, 2});
  tensors.add("q.lora_up.weight", {2, 1}, {0, 0});
  tensors.add("q.lora_down.weight", {1, 2}, {0, 0});
  const std::shared_ptr<const Lora> lora = open(tensors);
  const std::vector<std::string> both = {"q", "k"};
  EXPECT_EQ(kept(loader({{lora, 0.5F}}).linear(both, 2, 2, {.bias = false})).bias,
            (std::vector<float>{0.5F, 1, 0, 0}));
  EXPECT_TRUE(kept(loader({{lora, 0}}).linear(both, 2, 2, {.bias = false})).bias.empty());
}

TEST_F(Layers, DoraRescalesWhatTheLorasBeforeItDid) {
  Tensors tensors;
  tensors.add("q.lora_up.weight", {2, 1}, {0, 0});
  tensors.add("q.lora_down.weight", {1, 2}, {0, 0});
  tensors.add("q.dora_scale", {2, 1}, {2 * std::sqrt(5.0F), 5});  // 2x and 1x the lengths of q's rows
  const std::shared_ptr<const Lora> dora = open(tensors);
  const std::vector<float> after = kept(loader({{lora_, 1}, {dora, 1}}).linear("q", 2, 2)).weight;
  const std::vector<float> before = kept(loader({{dora, 1}, {lora_, 1}}).linear("q", 2, 2)).weight;
  const std::vector<float> expected_after = {4, 6, 5, 6};
  const std::vector<float> expected_before = {3, 5, 5, 6};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(after[i], expected_after[i], 1e-5);
    EXPECT_NEAR(before[i], expected_before[i], 1e-5);
  }
}

TEST_F(Layers, SharesWhatNoLoraTouches) {
  LayerLoader plain = loader();
  const Weights q = plain.linear("q", 2, 2);
  const Weights k = plain.linear("k", 2, 2);
  EXPECT_EQ(loader(0).linear("q", 2, 2), q);
  EXPECT_EQ(loader(1).linear("k", 2, 2), k);
  const Weights changed = loader(1).linear("q", 2, 2);
  EXPECT_NE(changed, q);
  EXPECT_EQ(loader(1).linear("q", 2, 2), changed);
  EXPECT_NE(loader(1.0000001F).linear("q", 2, 2), changed);
}

TEST_F(Layers, KeepsNoLayerThatNobodyUses) {
  const std::weak_ptr<const PackedWeights> gone = loader().linear("q", 2, 2);
  EXPECT_TRUE(gone.expired());
}

TEST_F(Layers, NamesWhatIsMissingOrHasAnotherShape) {
  expect_error([&] { loader().linear("v", 2, 2); }, {"model.safetensors", "v.weight"});
  expect_error([&] { loader().linear("q", 3, 2); }, {"q.weight", "[2,2]", "[2,3]"});
  expect_error([&] { loader().conv2d("conv", 1, 1, 1); }, {"conv.weight", "[1,1,3,3]"});
  expect_error([&] { loader().norm_weight("norm", 3); }, {"norm.weight", "[2]", "[3]"});
  expect_error([&] { loader().norm_bias("norm", 3); }, {"norm.bias", "[2]", "[3]"});
}

TEST_F(Layers, NameTheFileAndTheTensorThatIsNotFinite) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> large(9 * 1200, 1);  // more than is converted in one block
  large[9 * 1000] = -kInfinity;
  Tensors tensors;
  tensors.add("text_model.weight.weight", {1, 3}, {1, kNaN, 2});
  tensors.add("text_model.weight.bias", {1}, {0});
  tensors.add("text_model.bias.weight", {1, 3}, {1, 2, 3});
  tensors.add("text_model.bias.bias", {1}, {kInfinity});
  tensors.add("text_model.conv.weight", {1, 1200, 3, 3}, large);
  tensors.add("text_model.conv.bias", {1}, {0});
  tensors.add("text_model.norm.weight", {2}, {kNaN, 1});
  tensors.add("text_model.norm.bias", {2}, {1, kNaN});
  tensors.write(folder_.path() / "model.safetensors");
  files_.emplace(TensorFiles::open(folder_.path(), "model"));
  files_->rename(current_text_encoder_name);
  const auto expect = [&](auto run, const std::string& tensor) {
    expect_error(run, {"model.safetensors: tensor \"text_model." + tensor + "\"", "NaN or infinity"});
  };
  expect([&] { loader().linear("weight", 3, 1); }, "weight.weight");
  expect([&] { loader().linear("bias", 3, 1); }, "bias.bias");
  expect([&] { loader().conv2d("conv", 1200, 1, 3); }, "conv.weight");
  expect([&] { loader().norm_weight("norm", 2); }, "norm.weight");
  expect([&] { loader().norm_bias("norm", 2); }, "norm.bias");
}

TEST_F(Layers, NameTheLorasThatBringThemBeyondTheRangeOfFloats) {
  expect_error([&] { loader(std::numeric_limits<float>::max()).linear("q", 2, 2); },
               {"\"q\"", "NaN or infinity", lora_->name()});
  EXPECT_NO_THROW(loader(std::numeric_limits<float>::max()).linear("k", 2, 2));
}

TEST_F(Layers, FindsTensorsThatNobodyAskedFor) {
  LayerLoader layers = loader();
  layers.linear(std::vector<std::string>{"q", "k"}, 2, 2);
  layers.conv2d("conv", 1, 1, 3);
  layers.norm_weight("norm", 2);
  layers.norm_bias("norm", 2);
  expect_error([&] { layers.check_all_used(); }, {"model.safetensors", "\"gain\""});
  EXPECT_NO_THROW(layers.check_all_used({"gain"}));
  layers.tensor("gain", {2});
  EXPECT_NO_THROW(layers.check_all_used());
}

}  // namespace
}  // namespace streamdiffusion
