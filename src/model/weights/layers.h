#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "device/device.h"
#include "model/files/tensor_files.h"
#include "model/weights/join_convolutions.h"
#include "model/weights/lora.h"

namespace streamdiffusion {

/// A cache of packed layers by the tensors and LoRAs that they were made from. Weight sets share every layer
/// that their LoRAs do not change. The cache keeps no layer alive.
class LayerCache {
 public:
  /// Returns the layer of this key. Calls `make` if there is none or it has been freed.
  template <typename Make>
  Weights get(const std::string& key, Make&& make) {
    if (Weights kept = layers_[key].lock()) {
      return kept;
    }
    std::erase_if(layers_, [](const auto& entry) { return entry.second.expired(); });
    Weights made = make();
    layers_[key] = made;
    return made;
  }

  /// Layers of the cache, each with the layer that holds its contents from now on; null if none does.
  using Replacements = std::map<Weights, Weights>;
  /// Enters the replacing layers in place of the replaced ones, after Device::update_weights has moved
  /// contents between layers.
  void replace(const Replacements& replacements) noexcept;

 private:
  std::map<std::string, std::weak_ptr<const PackedWeights>> layers_;
};

/// A LoRA and the scale at which it is applied.
struct ScaledLora {
  std::shared_ptr<const Lora> lora;
  float scale = 1.0F;

  friend bool operator<(const ScaledLora& a, const ScaledLora& b) {
    return std::tie(a.lora, a.scale) < std::tie(b.lora, b.scale);
  }
};

/// The properties of a layer besides its weight.
struct LayerOptions {
  bool bias = true;  ///< True if the network's definition gives the layer a bias.
  /// For convolutions only.
  Resample resample = Resample::none;
  /// For linear layers only, see HostLinear.
  bool geglu = false;
  /// Computes in float32 at any precision: the outputs affect many layers, and the layer is cheap.
  bool keeps_f32 = false;
  /// The output is visible in the image: computes in 16 bits if the network uses int8, which would tint
  /// flat areas.
  bool is_visible_output = false;
};

/// A 3x3 convolution and its name in the files.
struct NamedConv2d {
  std::string name;
  std::int64_t in = 0;
  std::int64_t out = 0;
  LayerOptions options;
};

/// Makes the layers of one network: reads their tensors, applies LoRAs and packs them for the device. Throws
/// Error with the tensor's name if one is missing or has another shape.
class LayerLoader {
 public:
  LayerLoader(Device& device, const TensorFiles& files, Lora::Network network, std::vector<ScaledLora> loras,
              LayerCache& cache, Precision precision = Precision::f32);

  /// Sets the side in pixels of the inputs of following convolutions in typical use
  /// (HostConv2d::typical_size).
  void expect_side(std::int64_t side) { side_ = side; }
  /// Makes a convolution from `NAME.weight` [out, in, kernel, kernel] and `NAME.bias` [out].
  Weights conv2d(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 const LayerOptions& options = {});
  /// Composes two consecutive 3x3 convolutions into one of 5x5 in float32, for the pixels at the given
  /// edges of the image or between them (join_convolutions).
  Weights joined_conv2d(const NamedConv2d& first, const NamedConv2d& second, Edge vertical, Edge horizontal);
  /// True if the device computes a joined convolution faster than the two.
  [[nodiscard]] bool prefers_joined_convolutions() const {
    return device_.traits().gains_by_joined_convolutions;
  }
  /// Makes a linear layer from `NAME.weight` [out, in] or [out, in, 1, 1] and `NAME.bias` [out]. Several
  /// names become one layer that has their outputs one after the other.
  Weights linear(const std::vector<std::string>& names, std::int64_t in, std::int64_t out_each,
                 const LayerOptions& options = {});
  Weights linear(const std::string& name, std::int64_t in, std::int64_t out,
                 const LayerOptions& options = {});
  /// Makes a norm's gain from `LAYER.weight` [size].
  Weights norm_weight(const std::string& layer, std::int64_t size);
  /// Makes a norm's shift from `LAYER.bias` [size].
  Weights norm_bias(const std::string& layer, std::int64_t size);
  /// The precision of the network.
  [[nodiscard]] Precision precision() const { return precision_; }
  /// Moves out all layers made so far, in the order of the calls.
  [[nodiscard]] std::vector<Weights> take_layers() { return std::move(made_); }
  /// Returns a tensor that the caller reads itself, and marks it as used.
  const FileTensor& tensor(const std::string& name, const std::vector<std::int64_t>& shape);

  /// Throws Error if the files have tensors that were not used, except those in `harmless`. Then the
  /// configuration belongs to another network, and the results would be wrong.
  void check_all_used(const std::set<std::string>& harmless = {}) const;

 private:
  /// A buffer for one layer at a time that is reused for the next one. Allocating fresh pages would take
  /// longer than filling them. The destructor returns all of it to the system.
  class ScratchBuffer {
   public:
    /// Returns uninitialised memory for `size` floats, valid until the next call.
    std::span<float> get(std::int64_t size);

   private:
    Buffer pages_;
  };

  template <typename Make>
  Weights get_or_make(const std::vector<std::string>& names, const std::string& kind, Make&& make) {
    return made_.emplace_back(cache_.get(cache_key(names, kind), make));
  }
  [[nodiscard]] std::string cache_key(const std::vector<std::string>& names, const std::string& kind) const;
  [[nodiscard]] Precision precision_of(const LayerOptions& options) const {
    if (options.keeps_f32) {
      return Precision::f32;
    }
    return options.is_visible_output && precision_ == Precision::int8 ? Precision::int16 : precision_;
  }
  /// Notes that the tensors of a layer are used, for check_all_used.
  void mark_tensors_used(const std::string& name, bool bias);
  /// An adapter's change of a layer, and the scale at which it is applied.
  struct ScaledChange {
    const LayerChange* change;
    float scale;
  };

  /// Reads the layer's weight in float32 and applies the adapters.
  void read_weight(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::span<float> into);
  /// Reads the layer's bias in float32, or zeros unless `is_there`, and applies the adapters.
  void read_bias(const std::string& name, std::int64_t out, bool is_there, std::span<float> into);
  /// Returns the changes that the adapters make to a layer.
  [[nodiscard]] std::vector<ScaledChange> changes_of(const std::string& layer) const;
  void change_weight(const std::string& layer, const LayerShape& shape, std::span<float> weight) const;
  void change_bias(const std::string& layer, bool is_there, std::span<float> bias) const;
  /// Throws Error if the adapters' changes made a value NaN or infinite.
  void check_changed(const std::string& layer, std::span<const float> values) const;
  /// True if the layer has a bias or an adapter adds one.
  [[nodiscard]] bool has_bias(const std::string& layer, const LayerOptions& options) const;
  /// Converts a tensor of the files to float32.
  void convert(const FileTensor& tensor, std::span<float> into);

  Device& device_;
  const TensorFiles& files_;
  Lora::Network network_;
  std::vector<ScaledLora> loras_;
  LayerCache& cache_;
  Precision precision_;
  std::int64_t side_ = 0;       // set by expect_side; 0: unknown
  std::size_t read_ = 0;        // bytes of the files read since their pages were released
  std::set<std::string> used_;  // names of tensors
  std::vector<Weights> made_;   // in the order of the calls
  ScratchBuffer weight_;
  ScratchBuffer bias_;
};

}  // namespace streamdiffusion
