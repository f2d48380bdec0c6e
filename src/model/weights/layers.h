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

/// Packed layers by what they were made of, so that weight sets share every layer that their LoRAs do not
/// touch. Holds no layer alive itself.
class LayerCache {
 public:
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

 private:
  std::map<std::string, std::weak_ptr<const PackedWeights>> layers_;
};

/// A LoRA with the scale it is applied at.
struct ScaledLora {
  std::shared_ptr<const Lora> lora;
  float scale = 1.0F;

  friend bool operator<(const ScaledLora& a, const ScaledLora& b) {
    return std::tie(a.lora, a.scale) < std::tie(b.lora, b.scale);
  }
};

/// What a layer has beside its weight.
struct LayerOptions {
  bool bias = true;
  Resample resample = Resample::none;  ///< of a convolution
  bool geglu = false;                  ///< of a linear layer: see HostLinear
  /// In float32 whatever the network's precision: what it gives steers many layers and costs little.
  bool sensitive = false;
  /// In 16 bits rather than 8, which in flat parts of a picture would tint it.
  bool seen = false;
};

/// A 3x3 convolution of those in the files.
struct NamedConv2d {
  std::string name;
  std::int64_t in = 0;
  std::int64_t out = 0;
  LayerOptions options;
};

/// Makes the layers of one network: reads their tensors, adds what LoRAs change, packs them for the device. A
/// tensor that is missing or has another shape is an Error that names it.
class LayerLoader {
 public:
  LayerLoader(Device& device, const TensorFiles& files, Lora::Network network, std::vector<ScaledLora> loras,
              LayerCache& cache, Precision precision = Precision::f32);

  /// What sides the pictures have that convolutions from here on will mostly see (HostConv2d::side).
  void expect_side(std::int64_t side) { side_ = side; }
  /// `NAME.weight` [out, in, kernel, kernel] and `NAME.bias`.
  Weights conv2d(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 const LayerOptions& options = {});
  /// Two of them, the second of what the first gives, as one of 5x5 (join_convolutions), in float32.
  Weights joined_conv2d(const NamedConv2d& first, const NamedConv2d& second, Edge vertical, Edge horizontal);
  [[nodiscard]] bool gains_by_joining() const { return device_.gains_by_joined_convolutions(); }
  /// `NAME.weight` [out, in] or [out, in, 1, 1] and `NAME.bias`. Several names become one layer with their
  /// outputs one after the other.
  Weights linear(const std::vector<std::string>& names, std::int64_t in, std::int64_t out_each,
                 const LayerOptions& options = {});
  Weights linear(const std::string& name, std::int64_t in, std::int64_t out,
                 const LayerOptions& options = {});
  /// `LAYER.weight` [size], of a norm.
  Weights norm_weight(const std::string& layer, std::int64_t size);
  /// `LAYER.bias` [size], of a norm.
  Weights norm_bias(const std::string& layer, std::int64_t size);
  /// What the network is computed in.
  [[nodiscard]] Precision precision() const { return precision_; }
  /// All layers so far, in the order in which they were asked for.
  [[nodiscard]] std::vector<Weights> take_layers() { return std::move(made_); }
  /// A tensor that is to be read by other means.
  const FileTensor& tensor(const std::string& name, const std::vector<std::int64_t>& shape);

  /// Throws Error where the files have tensors that were not asked for, other than those in `harmless`: then
  /// the configuration belongs to another network, and what it computes would be wrong.
  void check_all_used(const std::set<std::string>& harmless = {}) const;

 private:
  /// Memory for one layer at a time, used again for the next: fresh pages would take longer than what is done
  /// in them. All of it goes back to the system in the end.
  class Floats {
   public:
    /// Whatever lies there, until the next call.
    std::span<float> get(std::int64_t size);

   private:
    Buffer pages_;
  };

  template <typename Make>
  Weights kept(const std::vector<std::string>& names, const std::string& kind, Make&& make) {
    return made_.emplace_back(cache_.get(cache_key(names, kind), make));
  }
  [[nodiscard]] std::string cache_key(const std::vector<std::string>& names, const std::string& kind) const;
  [[nodiscard]] Precision precision_of(const LayerOptions& options) const {
    if (options.sensitive) {
      return Precision::f32;
    }
    return options.seen && precision_ == Precision::int8 ? Precision::int16 : precision_;
  }
  void mark_used(const std::string& name, bool bias);
  /// The change that an adapter makes to a layer, with its scale.
  struct ScaledChange {
    const LayerChange* change;
    float scale;
  };

  void read_weight(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::span<float> into);
  /// The bias of the files, or zeros where the layer has none.
  void read_bias(const std::string& name, std::int64_t out, bool is_there, std::span<float> into);
  [[nodiscard]] std::vector<ScaledChange> changes_of(const std::string& layer) const;
  void change_weight(const std::string& layer, const LayerShape& shape, std::span<float> weight) const;
  void change_bias(const std::string& layer, bool is_there, std::span<float> bias) const;
  /// Throws Error where adapters have brought a layer beyond the range of float32.
  void check_changed(const std::string& layer, std::span<const float> values) const;
  /// True if the layer has a bias, or an adapter gives it one.
  [[nodiscard]] bool has_bias(const std::string& layer, const LayerOptions& options) const;
  void convert(const FileTensor& tensor, std::span<float> into);

  Device& device_;
  const TensorFiles& files_;
  Lora::Network network_;
  std::vector<ScaledLora> loras_;
  LayerCache& cache_;
  Precision precision_;
  std::int64_t side_ = 0;
  std::size_t read_ = 0;  // bytes of the files, since their pages were let go
  std::set<std::string> used_;
  std::vector<Weights> made_;
  Floats weight_;
  Floats bias_;
};

}  // namespace streamdiffusion
