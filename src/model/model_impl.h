#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/lru_cache.h"
#include "model/model_files.h"
#include "model/networks/autoencoder.h"
#include "model/networks/network.h"
#include "model/weight_set.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// What streams use of a model. To be called from one thread at a time.
struct Model::Impl {
  explicit Impl(const ModelOptions& options);

  /// One scale for each LoRA: as loaded, with those of `changed`. Throws Error for a name that is not loaded.
  [[nodiscard]] std::vector<float> lora_scales(const std::vector<LoraScale>& changed) const;

  /// Token ids of a prompt; warns, once for each prompt, where it is cut.
  const std::vector<std::int64_t>& tokenize(const std::string& prompt);

  /// The networks with those scales.
  std::shared_ptr<WeightSet> weights(const std::vector<LoraScale>& changed) {
    return weight_sets.get(lora_scales(changed));
  }

  std::shared_ptr<const PromptEmbedding> embedding(WeightSet& weights, const std::string& prompt) {
    Context context = this->context();
    return weights.embedding(context, prompt, tokenize(prompt));
  }

  std::shared_ptr<const TextContext> text_context(WeightSet& weights, const std::string& prompt) {
    Context context = this->context();
    return weights.text_context(context, prompt, *embedding(weights, prompt));
  }

  /// Of prompts that were blended.
  std::shared_ptr<const TextContext> text_context(const WeightSet& weights, const PromptEmbedding& blend) {
    Context context = this->context();
    return weights.text_context(context, blend);
  }

  [[nodiscard]] Context context() { return {*device, arena}; }

  ModelOptions options;
  std::unique_ptr<Device> device;
  ModelFiles files;
  ModelInfo info;
  Arena arena;  ///< for activations, shared by all streams
  std::unique_ptr<Autoencoder> autoencoder;
  WeightSets weight_sets;

 private:
  LruCache<std::vector<std::int64_t>> tokens_;
};

}  // namespace streamdiffusion
