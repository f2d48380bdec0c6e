#include "model/single_file/single_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/config/alphas_cumprod.h"
#include "model/files/pickle.h"
#include "model/single_file/autoencoder_names.h"
#include "model/single_file/ema_names.h"
#include "model/single_file/other_architectures.h"
#include "model/single_file/recognition.h"
#include "model/single_file/text_encoder_names.h"
#include "model/text/clip_tokenizer.h"
#include "model/weights/original_unet_names.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, FileTensor>;
using File = std::shared_ptr<const SafeTensors>;

constexpr std::string_view kUnet = "model.diffusion_model.";
constexpr std::string_view kAveragedUnet = "model_ema.diffusion_model";
constexpr std::string_view kClip = "cond_stage_model.transformer.";
constexpr std::string_view kOpenClip = "cond_stage_model.model.";
constexpr std::string_view kAutoencoder = "first_stage_model.";

// Side of the latents in training: 512 / 8, and 768 / 8 for models of 2.x that predict v.
constexpr std::int64_t kSampleSize = 64;
constexpr std::int64_t kLargeSampleSize = 96;

File open_safetensors(const fs::path& file) {
  refuse_pickle(file);
  return SafeTensors::open(file);
}

/// Returns the tensors whose names begin with `prefix`, without that prefix.
Tensors select_tensors(const SafeTensors& file, std::string_view prefix) {
  Tensors tensors;
  for (auto at = file.tensors().lower_bound(std::string(prefix));
       at != file.tensors().end() && at->first.starts_with(prefix); ++at) {
    tensors.emplace(at->first.substr(prefix.size()), at->second);
  }
  return tensors;
}

/// Returns the UNet's tensors under original names: plain weights, else their moving averages.
Tensors original_unet_tensors(const SafeTensors& file, const ModelOptions& options) {
  Tensors plain = select_tensors(file, kUnet);
  const Tensors averaged = select_tensors(file, kAveragedUnet);
  if (!plain.empty()) {
    if (!averaged.empty() && options.on_warning) {
      options.on_warning(file.name() +
                         ": has moving averages (EMA) beside its weights; the weights are used");
    }
    return plain;
  }
  if (averaged.empty()) {
    throw FileError(
        file.name() +
        ": has no UNet (model.diffusion_model...), so it is no checkpoint of Stable Diffusion; give one "
        "that has UNet and text encoder (an autoencoder alone is given as the VAE)");
  }
  if (options.on_warning) {
    options.on_warning(file.name() + ": has only moving averages (EMA) of the UNet; they are used");
  }
  for (const auto& [name, tensor] : averaged) {
    insert_tensor(plain, from_ema_name(name).value_or(name), tensor, file.name());
  }
  return plain;
}

/// Splits a tensor's name into the layer and ".weight" or ".bias".
std::pair<std::string, std::string> split_layer(const std::string& name) {
  const std::size_t dot = std::min(name.rfind('.'), name.size());
  return {name.substr(0, dot), name.substr(dot)};
}

TensorFiles open_unet(const File& file, const ModelOptions& options) {
  const Tensors original = original_unet_tensors(*file, options);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : original) {
    names.push_back(name);
  }
  const OriginalUNetNames unet_names = OriginalUNetNames::from_original(names);
  Tensors tensors;
  for (const auto& [name, tensor] : original) {
    const auto [layer, kind] = split_layer(name);
    // A layer that has no current name keeps its own and is refused when the network is made.
    insert_tensor(tensors, unet_names.to_current(layer).value_or(layer) + kind, tensor, file->name());
  }
  return {file, std::move(tensors)};
}

/// Returns the text encoder and the family of its kind.
std::pair<TensorFiles, Family> open_text_encoder(const File& file) {
  if (const Tensors clip = select_tensors(*file, kClip); !clip.empty()) {
    return {TensorFiles(file, clip_text_tensors(clip, file->name())), Family::sd1};
  }
  if (const Tensors open_clip = select_tensors(*file, kOpenClip); !open_clip.empty()) {
    return {TensorFiles(file, open_clip_text_tensors(open_clip, file->name())), Family::sd2};
  }
  throw FileError(
      file->name() +
      ": has no text encoder (cond_stage_model...); give a checkpoint that has UNet and text encoder");
}

AutoencoderFiles to_autoencoder(const File& file, const Tensors& original) {
  TensorFiles weights(file, autoencoder_tensors(original, file->name()));
  const AutoencoderKLConfig config = recognise_autoencoder(weights);
  return {.config = config, .weights = std::move(weights)};
}

AutoencoderFiles open_own_autoencoder(const File& file) {
  const Tensors original = select_tensors(*file, kAutoencoder);
  if (original.empty()) {
    throw FileError(file->name() +
                    ": has no autoencoder (first_stage_model...); give a VAE for it, such as the folder of "
                    "Stable Diffusion's own (vae) or of TAESD");
  }
  return to_autoencoder(file, original);
}

/// True if the model predicts v: by the options, else the metadata, else the family as in diffusers.
bool predicts_v(const SafeTensors& file, Family family, const ModelOptions& options) {
  if (options.prediction_type != "auto") {
    return options.prediction_type == "v_prediction";
  }
  const auto said = file.metadata().find("modelspec.prediction_type");
  if (said != file.metadata().end()) {
    return said->second.starts_with('v');
  }
  if (family == Family::sd2 && options.on_warning) {
    options.on_warning(
        file.name() +
        ": does not say what it predicts; it is taken for a Stable Diffusion 2.x that predicts v. "
        "SD-Turbo and 2.x base do not: set the prediction type to epsilon for them");
  }
  return family == Family::sd2;
}

/// Warns if the checkpoint has noise levels other than the usual ones. They are ignored, as in diffusers.
void check_noise_levels(const File& file, const SchedulerConfig& config, const ModelOptions& options) {
  constexpr float kTolerance = 1e-3F;
  const auto stored = file->tensors().find("alphas_cumprod");
  if (stored == file->tensors().end() || !options.on_warning) {
    return;
  }
  const std::vector<float> usual = alphas_cumprod(config);
  std::vector<float> own(static_cast<std::size_t>(stored->second.elements()));
  convert_to_float(stored->second, own);
  if (!std::ranges::equal(own, usual, [](float a, float b) { return std::abs(a - b) <= kTolerance; })) {
    options.on_warning(
        file->name() +
        ": its noise levels (alphas_cumprod) are not those of Stable Diffusion, which are used all "
        "the same; images may look wrong. A diffusers folder of this model can say its own");
  }
}

}  // namespace

ModelFiles open_single_file(const ModelOptions& options) {
  const File file = open_safetensors(options.path);
  refuse_other_architectures(*file);
  TensorFiles unet = open_unet(file, options);
  auto [text_encoder, text_family] = open_text_encoder(file);
  const Family family = recognise_family(unet);
  SchedulerConfig scheduler;
  scheduler.v_prediction = predicts_v(*file, family, options);
  check_noise_levels(file, scheduler, options);

  const bool large = family == Family::sd2 && scheduler.v_prediction;
  const UNet2DConditionConfig unet_config = recognise_unet(unet, large ? kLargeSampleSize : kSampleSize);
  const ClipTextConfig text_config = recognise_text_encoder(text_encoder, text_family);
  return {.path = options.path,
          .unet_config = unet_config,
          .text_encoder_config = text_config,
          .scheduler_config = scheduler,
          .unet = std::move(unet),
          .text_encoder = std::move(text_encoder),
          .tokenizer = make_clip_tokenizer(text_config.vocab_size,
                                           text_family == Family::sd2 ? "!" : "<|endoftext|>", file->name()),
          .autoencoder = options.vae ? AutoencoderFiles::open(*options.vae) : open_own_autoencoder(file)};
}

AutoencoderFiles open_autoencoder_file(const fs::path& path) {
  const File file = open_safetensors(path);
  const Tensors inside = select_tensors(*file, kAutoencoder);
  const Tensors& original = inside.empty() ? file->tensors() : inside;
  if (!original.contains("encoder.conv_in.weight") || !original.contains("decoder.conv_in.weight")) {
    throw FileError(
        file->name() +
        ": is no AutoencoderKL (it lacks encoder.conv_in or decoder.conv_in); other autoencoders, such as "
        "TAESD, have to be folders with a config.json");
  }
  AutoencoderFiles files = to_autoencoder(file, original);
  files.weights.rename(current_autoencoder_name);
  return files;
}

}  // namespace streamdiffusion
