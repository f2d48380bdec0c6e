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

using PromptEmbedding = std::vector<float>;

/// The networks of a model with LoRAs at certain scales, and what they make of prompts. Layers that no LoRA
/// touches are shared with the model's other weight sets.
class WeightSet {
 public:
  WeightSet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras, LayerCache& cache,
            int clip_skip, Precision precision);

  [[nodiscard]] const UNet2DCondition& unet() const { return unet_; }
  [[nodiscard]] const ClipText& text_encoder() const { return text_encoder_; }

  /// What the text encoder makes of a prompt, given encoded too: [ids, cross_attention_dim]. Of the last
  /// prompts it is kept.
  std::shared_ptr<const PromptEmbedding> embedding(Context& context, const std::string& prompt,
                                                   const Tokenizer::Encoding& encoding);

  /// Keys and values of every cross-attention; those of the last prompts are kept.
  std::shared_ptr<const TextContext> text_context(Context& context, const std::string& prompt,
                                                  const PromptEmbedding& embedding);
  /// The same for what is no single prompt's; not kept.
  [[nodiscard]] std::shared_ptr<const TextContext> text_context(Context& context,
                                                                const PromptEmbedding& embedding) const;

  /// Brings the UNet's layers to where those of another set of the same model lie, as far as nobody else has
  /// them: see Device::keep_place. `old` must not be used again.
  void keep_places(Device& device, const WeightSet& old) const;

 private:
  std::vector<Weights> layers_;  // of the UNet
  UNet2DCondition unet_;
  ClipText text_encoder_;
  LruCache<std::shared_ptr<const PromptEmbedding>> embeddings_;
  LruCache<std::shared_ptr<const TextContext>> contexts_;
};

/// The weight sets of one model, by its LoRAs and their scales. The latest and those that streams use stay
/// alive.
class WeightSets {
 public:
  /// The text encoder is in bfloat16 where the UNet is in that or in bytes.
  WeightSets(Device& device, const ModelFiles& model, int clip_skip, Precision precision = Precision::f32)
      : device_(device), model_(model), clip_skip_(clip_skip), precision_(precision) {}

  /// The set with these LoRAs, built where nobody has it. LoRAs with a scale of 0 are left out.
  std::shared_ptr<WeightSet> get(std::vector<ScaledLora> loras);

 private:
  Device& device_;
  const ModelFiles& model_;
  int clip_skip_;
  Precision precision_;
  LayerCache cache_;
  std::map<std::vector<ScaledLora>, std::weak_ptr<WeightSet>> sets_;
  std::shared_ptr<WeightSet> latest_;
};

}  // namespace streamdiffusion
