#include "model/weights/layers.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "model/errors.h"
#include "model/temporary_folder.h"
#include "model/tensors.h"

namespace streamdiffusion {
namespace {

/// What the device was given, kept as it is.
struct KeptWeights : PackedWeights {
  std::vector<float> weight;
  std::vector<float> bias;
};

const KeptWeights& kept(const Weights& weights) { return static_cast<const KeptWeights&>(*weights); }

/// A device that packs and computes nothing.
class PackingDevice : public Device {
 public:
  [[nodiscard]] std::string name() const override { return "packing"; }
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
    tensors.add("gain", {2}, {1, 2});
    tensors.write(folder_.path() / "model.safetensors");
    files_.emplace(TensorFiles::open(folder_.path(), "model"));

    Tensors lora;
    lora.add("unet.q.lora_A.weight", {1, 2}, {1, 1});
    lora.add("unet.q.lora_B.weight", {2, 1}, {1, 2});
    lora.write(folder_.path() / "lora.safetensors");
    lora_ = std::make_shared<Lora>(SafeTensors::open(folder_.path() / "lora.safetensors"),
                                   std::vector<std::string>{"q", "k", "conv"}, std::vector<std::string>{});
  }

  LayerLoader loader(float lora_scale = 0) {
    return {device_, *files_, Lora::Network::unet, {{lora_, lora_scale}}, cache_};
  }

  TemporaryFolder folder_;
  PackingDevice device_;
  std::optional<TensorFiles> files_;
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
  expect_error([&] { loader().vector("gain", 3); }, {"gain", "[2]", "[3]"});
}

TEST_F(Layers, FindsTensorsThatNobodyAskedFor) {
  LayerLoader layers = loader();
  layers.linear(std::vector<std::string>{"q", "k"}, 2, 2);
  layers.conv2d("conv", 1, 1, 3);
  expect_error([&] { layers.check_all_used(); }, {"model.safetensors", "\"gain\""});
  EXPECT_NO_THROW(layers.check_all_used({"gain"}));
  layers.vector("gain", 2);
  EXPECT_NO_THROW(layers.check_all_used());
}

}  // namespace
}  // namespace streamdiffusion
