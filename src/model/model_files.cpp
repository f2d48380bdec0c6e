#include "model/model_files.h"

#include <cstdint>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>

#include "model/files/dduf.h"
#include "model/model_folder.h"
#include "model/single_file/single_file.h"
#include "model/text/textual_inversion.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

void check_unet_channels(const ModelFiles& model) {
  if (model.unet_config.in_channels != kLatentChannels) {
    throw FileError(
        model.unet.where() + ": the UNet's in_channels is " + std::to_string(model.unet_config.in_channels) +
        ", only 4 is supported: the latents of Stable Diffusion 1 and 2 (models for inpainting or "
        "editing take more)");
  }
}

void check_latent_channels(const AutoencoderFiles& autoencoder) {
  if (autoencoder.latent_channels() != kLatentChannels) {
    throw FileError(autoencoder.weights.where() + ": the autoencoder's latent_channels is " +
                    std::to_string(autoencoder.latent_channels()) + ", the UNet takes " +
                    std::to_string(kLatentChannels) + "; use an autoencoder made for this model");
  }
}

void check_text_fits(const ModelFiles& model) {
  const ClipTextConfig& text = model.text_encoder_config;
  const std::string where = model.path.string() + ": ";
  for (const std::int64_t dim : model.unet_config.cross_attention_dim) {
    if (dim != text.hidden_size) {
      throw FileError(where + "the UNet's cross_attention_dim is " + std::to_string(dim) +
                      ", the text encoder's hidden_size " + std::to_string(text.hidden_size) +
                      "; unet and text_encoder come from different models");
    }
  }
  if (model.tokenizer.tokens_per_prompt() > text.max_position_embeddings) {
    throw FileError(
        where + "the tokenizer's model_max_length is " + std::to_string(model.tokenizer.tokens_per_prompt()) +
        ", the text encoder's max_position_embeddings only " + std::to_string(text.max_position_embeddings) +
        "; tokenizer and text_encoder come from different models");
  }
  if (model.tokenizer.vocabulary_size() > text.vocab_size) {
    throw FileError(where + "the tokenizer has " + std::to_string(model.tokenizer.vocabulary_size()) +
                    " tokens, the text encoder's vocab_size is only " + std::to_string(text.vocab_size) +
                    "; tokenizer and text_encoder come from different models");
  }
}

std::optional<bool> given_v_prediction(const ModelOptions& options) {
  if (options.prediction_type == "auto") {
    return std::nullopt;
  }
  if (options.prediction_type != "epsilon" && options.prediction_type != "v_prediction") {
    throw ArgumentError("prediction type \"" + options.prediction_type +
                        "\" is not known: use epsilon, v_prediction or auto");
  }
  return options.prediction_type == "v_prediction";
}

void add_embeddings(const std::vector<EmbeddingOptions>& embeddings, ModelFiles& model) {
  const std::int64_t width = model.text_encoder_config.hidden_size;
  for (const EmbeddingOptions& options : embeddings) {
    const TextualInversion inversion = read_textual_inversion(options, width);
    const std::int64_t first =
        model.text_encoder_config.vocab_size + std::ssize(model.added_embeddings) / width;
    std::vector<std::int64_t> ids(inversion.vectors.size() / static_cast<std::size_t>(width));
    std::iota(ids.begin(), ids.end(), first);
    try {
      model.tokenizer.add_word(inversion.token, ids);
    } catch (const Error& error) {
      throw FileError(options.file.string() + ": " + error.what());
    }
    model.added_embeddings.insert(model.added_embeddings.end(), inversion.vectors.begin(),
                                  inversion.vectors.end());
  }
}

ModelFiles open_parts(const ModelOptions& options) {
  if (options.path.empty()) {
    throw ArgumentError("no model is named: the path is empty");
  }
  if (!fs::exists(options.path)) {
    throw FileError(options.path.string() +
                    ": there is no such folder or file; give the folder of a diffusers model, the one with "
                    "model_index.json, or a checkpoint in one .safetensors file");
  }
  return is_model_folder(options.path) ? open_model_folder(options) : open_single_file(options);
}

}  // namespace

ModelFiles ModelFiles::open(const ModelOptions& options) {
  const std::optional<bool> v_prediction = given_v_prediction(options);
  ModelFiles model = open_parts(options);
  model.scheduler_config.v_prediction = v_prediction.value_or(model.scheduler_config.v_prediction);
  check_unet_channels(model);
  check_latent_channels(model.autoencoder);
  check_text_fits(model);
  add_embeddings(options.embeddings, model);
  for (TensorFiles* files : {&model.unet, &model.text_encoder, &model.autoencoder.weights}) {
    files->set_stop(options.stop);
  }
  return model;
}

}  // namespace streamdiffusion
