#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/networks/norm.h"
#include "model/networks/resnet_block.h"
#include "model/weights/layers.h"

// The blocks that the encoder and the decoder of AutoencoderKL are made of. Activations are [n, h, w, c].
namespace streamdiffusion::autoencoder_kl {

/// Resolutions of the encoder and the decoder. Three steps halve the sides: latents have 1/8 of the image's.
constexpr std::size_t kLevels = 4;
constexpr float kEpsilon = 1e-6F;

/// Single-head attention over all pixels, with a residual connection.
class AttentionBlock {
 public:
  AttentionBlock(LayerLoader& layers, const std::string& name, std::int64_t channels, std::int64_t groups);
  /// Adds the attention's output to `x`, in place.
  void forward(Context& context, const Tensor& x) const;

 private:
  std::int64_t channels_;
  Precision precision_;
  GroupNorm group_norm_;
  Weights qkv_;  // queries, keys and values in one layer
  Weights to_out_;
};

/// diffusers' UNetMidBlock2D: resnet, attention if the configuration has it, resnet.
class MidBlock {
 public:
  MidBlock(LayerLoader& layers, const std::string& name, std::int64_t channels,
           const AutoencoderKLConfig& config);
  /// Transforms `x` in place.
  void forward(Context& context, const Tensor& x) const;

 private:
  ResnetBlock2D resnet0_;
  std::optional<AttentionBlock> attention_;
  ResnetBlock2D resnet1_;
};

/// The resnets of one resolution: diffusers' DownEncoderBlock2D or UpDecoderBlock2D without its sampler.
class Level {
 public:
  Level(LayerLoader& layers, const std::string& name, std::int64_t in_channels, std::int64_t out_channels,
        std::int64_t count, std::int64_t groups);
  [[nodiscard]] std::int64_t out_channels() const { return out_channels_; }
  /// `x` has the level's in_channels, `out` its out_channels; both have the same n, h and w.
  void forward(Context& context, const Tensor& x, const Tensor& out) const;

 private:
  std::int64_t out_channels_;
  std::vector<ResnetBlock2D> resnets_;
};

/// The inputs and outputs of all levels. One level runs at a time, so each of the two needs one buffer.
class LevelTensors {
 public:
  /// `extents` is the shape of each level; its channels are ignored. The buffers come from `context.arena`.
  LevelTensors(Context& context, const std::array<Shape, kLevels>& extents, std::int64_t in_channels,
               const std::vector<Level>& levels);
  [[nodiscard]] Tensor input(std::size_t level) const;
  [[nodiscard]] Tensor output(std::size_t level) const;

 private:
  std::array<Shape, kLevels> inputs_;
  std::array<Shape, kLevels> outputs_;
  Tensor input_;
  Tensor output_;
};

}  // namespace streamdiffusion::autoencoder_kl
