#include "model/weight_set.h"

#include <cstddef>
#include <utility>

namespace streamdiffusion {

namespace {

// For Stable Diffusion 1.5 in float32 a context takes 8 MB and an embedding 0.2 MB.
constexpr std::size_t kContextsKept = 16;
constexpr std::size_t kEmbeddingsKept = 64;

UNet2DCondition make_unet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                          LayerCache& cache, Precision precision, std::vector<Weights>& made) {
  LayerLoader layers(device, model.unet, Lora::Network::unet, loras, cache, precision);
  UNet2DCondition unet(model.unet_config, layers);
  made = layers.take_layers();
  return unet;
}

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
    : unet_(make_unet(device, model, loras, cache, precision, layers_)),
      text_encoder_(make_text_encoder(device, model, loras, cache, clip_skip, precision)),
      embeddings_(kEmbeddingsKept),
      contexts_(kContextsKept) {}

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
  return unet_.text_context(context, tokens);
}

void WeightSet::move_to_addresses_of(Device& device, const WeightSet& old) const {
  constexpr long kOwners = 2;  // the network's reference and the one in layers_
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i] != old.layers_[i] && layers_[i].use_count() == kOwners &&
        old.layers_[i].use_count() == kOwners) {
      device.move_to_address_of(*layers_[i], *old.layers_[i]);
    }
  }
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

}  // namespace streamdiffusion
