#include "model/weight_set.h"

#include <cstddef>
#include <new>
#include <set>
#include <utility>

namespace streamdiffusion {

namespace {

// For Stable Diffusion 1.5 in float32 a context takes 8 MB and an embedding 0.2 MB.
constexpr std::size_t kContextsKept = 16;
constexpr std::size_t kEmbeddingsKept = 64;

/// The text encoder is bf16 unless the UNet is f32. int8 would save little of the time to encode a prompt.
ClipText make_text_encoder(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                           LayerCache& cache, int clip_skip, Precision precision) {
  const Precision own = precision == Precision::f32 ? Precision::f32 : Precision::bf16;
  LayerLoader layers(device, model.text_encoder, Lora::Network::text_encoder, loras, cache, own);
  return {model.text_encoder_config, layers, model.text_encoder, clip_skip, model.added_embeddings};
}

}  // namespace

WeightSet::WeightSet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                     LayerCache& cache, int clip_skip, Precision precision)
    : denoiser_(make_denoiser(device, model, loras, cache, precision)),
      text_encoder_(make_text_encoder(device, model, loras, cache, clip_skip, precision)),
      embeddings_(kEmbeddingsKept),
      contexts_(kContextsKept) {}

std::shared_ptr<const WeightSet::Denoiser> WeightSet::make_denoiser(Device& device, const ModelFiles& model,
                                                                    const std::vector<ScaledLora>& loras,
                                                                    LayerCache& cache, Precision precision) {
  LayerLoader layers(device, model.unet, Lora::Network::unet, loras, cache, precision);
  UNet2DCondition unet(model.unet_config, layers);
  return std::make_shared<const Denoiser>(Denoiser{layers.take_layers(), std::move(unet)});
}

std::shared_ptr<const PromptEmbedding> WeightSet::embedding(Context& context, const std::string& prompt,
                                                            const Tokenizer::Encoding& encoding) {
  return embeddings_.get(prompt, [&]() -> std::shared_ptr<const PromptEmbedding> {
    const Arena::Scope scope(context.arena);
    const Tensor out =
        context.arena.allocate_precise({1, 1, std::ssize(encoding.ids), text_encoder_.config().hidden_size});
    text_encoder_.forward(context, encoding.ids, out);
    auto embedding = std::make_shared<PromptEmbedding>(static_cast<std::size_t>(out.shape.elements()));
    context.device.download(out, *embedding);
    if (!encoding.weights.empty()) {
      apply_prompt_weights(encoding.weights, *embedding);
    }
    return embedding;
  });
}

std::shared_ptr<const TextContext> WeightSet::text_context(Context& context, const std::string& prompt,
                                                           const PromptEmbedding& embedding) {
  return contexts_.get(prompt, [&] { return text_context(context, embedding); });
}

std::shared_ptr<const TextContext> WeightSet::text_context(Context& context,
                                                           const PromptEmbedding& embedding) const {
  const Arena::Scope scope(context.arena);
  const std::int64_t channels = text_encoder_.config().hidden_size;
  const Tensor tokens = context.arena.allocate_precise({1, 1, std::ssize(embedding) / channels, channels});
  context.device.upload(embedding, tokens);
  return unet().text_context(context, tokens);
}

std::shared_ptr<WeightSet> WeightSets::get(std::vector<ScaledLora> loras) {
  std::erase_if(loras, [](const ScaledLora& scaled) { return scaled.scale == 0; });
  std::erase_if(sets_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto kept = sets_.find(loras); kept != sets_.end()) {
    latest_ = kept->second.lock();
    return latest_;
  }
  latest_ = std::make_shared<WeightSet>(device_, model_, loras, cache_, clip_skip_, precision_);
  sets_[std::move(loras)] = latest_;
  model_.unet.release_pages();
  model_.text_encoder.release_pages();
  return latest_;
}

void WeightSets::reuse_slots(std::shared_ptr<WeightSet> old, WeightSet& now) {
  const std::shared_ptr<const WeightSet::Denoiser> vacated = old->denoiser_;
  const std::weak_ptr<const WeightSet> users = old;
  old.reset();
  if (users.expired() && take_slots(*vacated, now)) {
    now.denoiser_ = vacated;
  }
}

/// Copies the layers of `now` to the slots of `vacated`, a UNet that no set has any more. Returns false and
/// changes nothing unless all layers can be copied: recordings are repeated only if all of them match.
bool WeightSets::take_slots(const WeightSet::Denoiser& vacated, const WeightSet& now) {
  LayerCache::Replacements replacements;
  std::vector<WeightUpdate> updates;
  try {
    std::set<Weights> used;
    for (const auto& [loras, set] : sets_) {
      if (const std::shared_ptr<WeightSet> user = set.lock()) {
        used.insert(user->denoiser_->layers.begin(), user->denoiser_->layers.end());
      }
    }
    for (std::size_t i = 0; i < vacated.layers.size(); ++i) {
      const Weights& slot = vacated.layers[i];
      const Weights& contents = now.denoiser_->layers[i];
      if (slot == contents) {
        continue;
      }
      if (used.contains(slot)) {
        return false;
      }
      updates.push_back({.slot = slot.get(), .contents = contents.get()});
      replacements.emplace(contents, slot);
      replacements.emplace(slot, nullptr);
    }
  } catch (const std::bad_alloc&) {
    return false;  // Without the old slots, a device records anew.
  }
  if (updates.empty() || !device_.update_weights(updates)) {
    return false;
  }
  cache_.replace(replacements);
  return true;
}

}  // namespace streamdiffusion
