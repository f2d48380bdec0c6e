#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/lru_cache.h"
#include "model/model_files.h"
#include "model/networks/clip_text.h"
#include "model/networks/unet_2d_condition.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// The text encoder's output for one prompt: [tokens][hidden_size], float32.
using PromptEmbedding = std::vector<float>;

/// The networks of a model with LoRAs at certain scales, and caches of their results for recent prompts.
/// Layers that no LoRA changes are shared with the model's other weight sets.
class WeightSet {
 public:
  WeightSet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras, LayerCache& cache,
            int clip_skip, Precision precision);

  [[nodiscard]] const UNet2DCondition& unet() const { return denoiser_->unet; }
  [[nodiscard]] const ClipText& text_encoder() const { return text_encoder_; }

  /// Returns the embedding of a prompt, [encoding.ids][cross_attention_dim]. `encoding` must be the tokenized
  /// `prompt`. Recent prompts are cached.
  std::shared_ptr<const PromptEmbedding> embedding(Context& context, const std::string& prompt,
                                                   const Tokenizer::Encoding& encoding);

  /// Returns the keys and values of every cross-attention for a prompt. Recent prompts are cached.
  std::shared_ptr<const TextContext> text_context(Context& context, const std::string& prompt,
                                                  const PromptEmbedding& embedding);
  /// Returns the keys and values for an embedding that belongs to no single prompt. They are not cached.
  [[nodiscard]] std::shared_ptr<const TextContext> text_context(Context& context,
                                                                const PromptEmbedding& embedding) const;

 private:
  friend class WeightSets;

  /// The UNet, with its layers in the order of construction.
  struct Denoiser {
    std::vector<Weights> layers;
    UNet2DCondition unet;
  };
  static std::shared_ptr<const Denoiser> make_denoiser(Device& device, const ModelFiles& model,
                                                       const std::vector<ScaledLora>& loras,
                                                       LayerCache& cache, Precision precision);

  std::shared_ptr<const Denoiser> denoiser_;
  ClipText text_encoder_;
  LruCache<std::shared_ptr<const PromptEmbedding>> embeddings_;
  LruCache<std::shared_ptr<const TextContext>> contexts_;
};

/// The weight sets of one model, found by LoRAs and scales. The latest set stays alive, as do those in use.
class WeightSets {
 public:
  /// `precision` is the UNet's. The text encoder is f32 if the UNet is, else bf16.
  WeightSets(Device& device, const ModelFiles& model, int clip_skip, Precision precision = Precision::f32)
      : device_(device), model_(model), clip_skip_(clip_skip), precision_(precision) {}

  /// Returns the set with these LoRAs and builds it if none is alive. LoRAs with a scale of 0 are ignored.
  std::shared_ptr<WeightSet> get(std::vector<ScaledLora> loras);

  /// Tells that one user has gone from `old` to `now`, another set of this model. If no other has `old`, the
  /// UNet of `now` takes over the slots of its weights, so that a device repeats what it has recorded with
  /// them (Device::update_weights). Changes no result. Throws only if the device is lost.
  void reuse_slots(std::shared_ptr<WeightSet> old, WeightSet& now);

 private:
  [[nodiscard]] bool take_slots(const WeightSet::Denoiser& vacated, const WeightSet& now);

  Device& device_;
  const ModelFiles& model_;
  int clip_skip_;
  Precision precision_;
  LayerCache cache_;
  std::map<std::vector<ScaledLora>, std::weak_ptr<WeightSet>> sets_;
  std::shared_ptr<WeightSet> latest_;
};

}  // namespace streamdiffusion
