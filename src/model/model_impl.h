#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/lru_cache.h"
#include "device/devices.h"
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

  /// Token ids of a prompt; warns, once for each prompt, where it is cut.
  const Tokenizer::Encoding& tokenize(const std::string& prompt);

  /// Takes the LoRAs that a prompt names out of it, where there is a folder of them, and adds them to
  /// `loras`.
  std::string take_lora_tags(const std::string& prompt, std::vector<LoraScale>& loras) const;

  /// The networks with the LoRAs that were loaded, at their scales or those of `changed`, and those that
  /// prompts name, whose scales add up and stand in place of others. Throws Error for a name that is not
  /// there.
  std::shared_ptr<WeightSet> weights(const std::vector<LoraScale>& changed,
                                     const std::vector<LoraScale>& of_prompts = {});

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
  ChosenDevice chosen;
  Device* device;  ///< chosen.device
  ModelFiles files;
  ModelInfo info;
  Arena arena;  ///< for activations, shared by all streams
  std::unique_ptr<Autoencoder> autoencoder;
  WeightSets weight_sets;

 private:
  [[nodiscard]] std::shared_ptr<const Lora> open_lora(const std::filesystem::path& file) const;

  std::vector<std::shared_ptr<const Lora>> loras_;          // of the options
  LruCache<std::shared_ptr<const Lora>> loras_of_prompts_;  // by name
  LruCache<Tokenizer::Encoding> tokens_;
};

}  // namespace streamdiffusion
