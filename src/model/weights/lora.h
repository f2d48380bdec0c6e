#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// The change that a LoRA makes to one layer: weight += scale * (alpha / rank) * up * down.
struct LoraDelta {
  const FileTensor* down = nullptr;  ///< [rank, in, k, k] or [rank, in]
  const FileTensor* up = nullptr;    ///< [out, rank, 1, 1] or [out, rank]
  float factor = 1.0F;               ///< alpha / rank
};

/// A LoRA file read: which layers of which network it changes. Immutable.
class Lora {
 public:
  /// Which network a layer belongs to.
  enum class Network { unet, text_encoder };

  /// `layer_names(network)` are the names of the layers that the model has, without ".weight", in diffusers'
  /// and transformers' naming (text encoder without the "text_model." prefix). Keys that match none go to
  /// `unmatched`.
  Lora(std::shared_ptr<const SafeTensors> file, const std::vector<std::string>& unet_layers,
       const std::vector<std::string>& text_encoder_layers);

  /// nullptr where the layer is not touched.
  [[nodiscard]] const LoraDelta* find(Network network, const std::string& layer) const;
  [[nodiscard]] const std::vector<std::string>& unmatched() const { return unmatched_; }
  [[nodiscard]] const std::string& name() const { return file_->name(); }

 private:
  std::shared_ptr<const SafeTensors> file_;
  std::map<std::string, LoraDelta> unet_;
  std::map<std::string, LoraDelta> text_encoder_;
  std::vector<std::string> unmatched_;
};

/// Adds scale * delta to `weight` ([out][in * k * k], float32). Throws Error where the shapes do not fit.
void apply_lora(const LoraDelta& delta, float scale, std::int64_t out, std::int64_t in_times_kernel,
                std::span<float> weight, const std::string& where);

}  // namespace streamdiffusion
