#include "model/weight_set.h"

#include <cstddef>

namespace streamdiffusion {

namespace {

// A context of Stable Diffusion 1.5 takes 8 MB.
constexpr std::size_t kPromptsKept = 16;

UNet2DCondition make_unet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                          LayerCache& cache) {
  LayerLoader layers(device, model.unet, Lora::Network::unet, loras, cache);
  return {model.unet_config, layers};
}

ClipText make_text_encoder(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                           LayerCache& cache, int clip_skip) {
  LayerLoader layers(device, model.text_encoder, Lora::Network::text_encoder, loras, cache);
  return {model.text_encoder_config, layers, model.text_encoder, clip_skip};
}

}  // namespace

WeightSet::WeightSet(Device& device, const ModelFiles& model, const std::vector<ScaledLora>& loras,
                     LayerCache& cache, int clip_skip)
    : unet_(make_unet(device, model, loras, cache)),
      text_encoder_(make_text_encoder(device, model, loras, cache, clip_skip)),
      prompts_(kPromptsKept) {}

std::shared_ptr<const TextContext> WeightSet::text_context(Context& context, const std::string& prompt,
                                                           const std::vector<std::int64_t>& ids) {
  return prompts_.get(prompt, [&]() -> std::shared_ptr<const TextContext> {
    const Arena::Scope scope(context.arena);
    const auto tokens = static_cast<std::int64_t>(ids.size());
    const Tensor embedding = context.arena.allocate({1, 1, tokens, text_encoder_.config().hidden_size});
    text_encoder_.forward(context, ids, embedding);
    return unet_.text_context(context, embedding);
  });
}

std::shared_ptr<WeightSet> WeightSets::get(const std::vector<float>& scales) {
  std::erase_if(sets_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto kept = sets_.find(scales); kept != sets_.end()) {
    latest_ = kept->second.lock();
    return latest_;
  }
  std::vector<ScaledLora> scaled;
  for (std::size_t i = 0; i < loras_.size(); ++i) {
    scaled.push_back({loras_[i], scales.at(i)});
  }
  latest_ = std::make_shared<WeightSet>(device_, model_, scaled, cache_, clip_skip_);
  sets_[scales] = latest_;
  model_.unet.release_pages();
  model_.text_encoder.release_pages();
  return latest_;
}

}  // namespace streamdiffusion
