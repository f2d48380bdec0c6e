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

// What the encoder and the decoder of AutoencoderKL consist of.
namespace streamdiffusion::autoencoder_kl {

/// A picture is halved between two levels: eight times in all.
constexpr std::size_t kLevels = 4;
constexpr float kEpsilon = 1e-6F;

/// Attention of one head over all pixels, added to what came in.
class AttentionBlock {
 public:
  AttentionBlock(LayerLoader& layers, const std::string& name, std::int64_t channels, std::int64_t groups);
  /// In place.
  void forward(Context& context, const Tensor& x) const;

 private:
  std::int64_t channels_;
  Precision precision_;
  GroupNorm group_norm_;
  Weights qkv_;  // queries, keys and values side by side
  Weights to_out_;
};

/// UNetMidBlock2D: resnet, attention where the configuration has it, resnet.
class MidBlock {
 public:
  MidBlock(LayerLoader& layers, const std::string& name, std::int64_t channels,
           const AutoencoderKLConfig& config);
  /// In place.
  void forward(Context& context, const Tensor& x) const;

 private:
  ResnetBlock2D resnet0_;
  std::optional<AttentionBlock> attention_;
  ResnetBlock2D resnet1_;
};

/// DownEncoderBlock2D or UpDecoderBlock2D without its sampler: resnets of one resolution.
class Level {
 public:
  Level(LayerLoader& layers, const std::string& name, std::int64_t in_channels, std::int64_t out_channels,
        std::int64_t count, std::int64_t groups);
  [[nodiscard]] std::int64_t out_channels() const { return out_channels_; }
  void forward(Context& context, const Tensor& x, const Tensor& out) const;

 private:
  std::int64_t out_channels_;
  std::vector<ResnetBlock2D> resnets_;
};

/// The inputs and outputs of all levels. Only one of each is in use at a time, so all inputs share one place,
/// and all outputs another.
class LevelTensors {
 public:
  /// `extents`: of each level, whatever the channels.
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
