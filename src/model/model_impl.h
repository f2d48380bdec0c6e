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

/// Gives the library's other parts a model's implementation.
struct ModelAccess {
  static Model::Impl& impl(const Model& model) { return *model.impl_; }
};

/// The part of a model that streams use. Not thread-safe: call it from one thread at a time.
struct Model::Impl {
  explicit Impl(const ModelOptions& options);

  /// Returns the token ids of a prompt. Warns, once per prompt, if it is too long for the model and is cut.
  const Tokenizer::Encoding& tokenize(const std::string& prompt);

  /// Appends the LoRAs named by tags in `prompt` to `loras` and returns the prompt without the tags. Throws
  /// PromptError for a malformed tag, and for any tag without a LoRA folder.
  std::string take_lora_tags(const std::string& prompt, std::vector<LoraScale>& loras) const;

  /// Returns the networks with the loaded LoRAs applied. A LoRA's scale is the sum of its scales in
  /// `of_prompts`, else the one in `changed`, else that of the options. LoRAs that only prompts name are
  /// opened from the LoRA folder. Throws Error for an unknown name, and PromptError if it is in `of_prompts`.
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

  /// Returns keys and values for an embedding blended from several prompts.
  std::shared_ptr<const TextContext> text_context(const WeightSet& weights, const PromptEmbedding& blend) {
    Context context = this->context();
    return weights.text_context(context, blend);
  }

  /// Adds a LoRA and returns its name; see Model::add_lora.
  std::string add_lora(LoraOptions lora);
  /// Removes a LoRA; see Model::remove_lora.
  void remove_lora(const std::string& name);

  [[nodiscard]] Context context() { return {*device, arena}; }

  /// The number of floating-point operations so far, or 0 if the device does not count them.
  [[nodiscard]] double counted_operations() const;

  ModelOptions options;
  ChosenDevice chosen;
  Device* device;  ///< Points to chosen.device.
  ModelFiles files;
  ModelInfo info;
  Arena arena;  ///< Memory for activations, shared by all streams.
  std::unique_ptr<Autoencoder> autoencoder;
  WeightSets weight_sets;
  std::uint64_t lora_changes = 0;  ///< Number of LoRAs that were added or removed.

 private:
  [[nodiscard]] std::shared_ptr<const Lora> open_lora(const std::filesystem::path& file) const;

  std::vector<std::shared_ptr<const Lora>> loras_;          // those of the options, in order
  LruCache<std::shared_ptr<const Lora>> loras_of_prompts_;  // those that prompts name, by name
  LruCache<Tokenizer::Encoding> tokens_;
};

}  // namespace streamdiffusion
