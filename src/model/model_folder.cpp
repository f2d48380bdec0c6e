#include "model/model_folder.h"

#include <cstdint>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLatentChannels = 4;

void check_is_model_folder(const fs::path& folder) {
  if (!fs::exists(folder)) {
    throw Error(folder.string() +
                ": there is no such folder; give the folder of a diffusers model, the one with " +
                "model_index.json");
  }
  if (!fs::is_directory(folder)) {
    throw Error(folder.string() +
                " is a file; a model is a diffusers folder, the one with model_index.json. " +
                "Single-file checkpoints can be converted with diffusers: "
                "StableDiffusionPipeline.from_single_file, " +
                "then save_pretrained");
  }
  if (!fs::exists(folder / "model_index.json")) {
    throw Error(folder.string() +
                " has no model_index.json; give the folder of a diffusers model that has one");
  }
}

/// Names every part that is missing at once.
void check_components(const fs::path& folder, bool own_vae) {
  std::string missing;
  for (const char* name : {"unet", "text_encoder", "tokenizer", "vae", "scheduler"}) {
    if ((own_vae || std::string(name) != "vae") && !fs::is_directory(folder / name)) {
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
  }
  if (!missing.empty()) {
    throw Error(folder.string() + ": the model is not complete, missing: " + missing +
                "; download the whole repository again");
  }
}

void check_latent_channels(const fs::path& vae) {
  const fs::path file = vae / "config.json";
  const std::string json = read_text_file(file);
  const bool tiny = parse_class_name(json, file.string()) == "AutoencoderTiny";
  const std::int64_t channels = tiny ? parse_autoencoder_tiny_config(json, file.string()).latent_channels
                                     : parse_autoencoder_kl_config(json, file.string()).latent_channels;
  if (channels != kLatentChannels) {
    throw Error(file.string() + ": latent_channels is " + std::to_string(channels) + ", the UNet takes " +
                std::to_string(kLatentChannels) + "; use an autoencoder made for this model");
  }
}

void check_unet_channels(const UNet2DConditionConfig& unet, const std::string& where) {
  if (unet.in_channels != kLatentChannels) {
    throw Error(where + ": in_channels is " + std::to_string(unet.in_channels) +
                ", only 4 is supported: the latents of Stable Diffusion 1 and 2");
  }
}

void check_text_fits(const ModelFolder& model) {
  const ClipTextConfig& text = model.text_encoder_config;
  const std::string where = model.path.string() + ": ";
  for (const std::int64_t dim : model.unet_config.cross_attention_dim) {
    if (dim != text.hidden_size) {
      throw Error(where + "the UNet's cross_attention_dim is " + std::to_string(dim) +
                  ", the text encoder's hidden_size " + std::to_string(text.hidden_size) +
                  "; unet and text_encoder come from different models");
    }
  }
  if (model.tokenizer.length() > text.max_position_embeddings) {
    throw Error(where + "the tokenizer's model_max_length is " + std::to_string(model.tokenizer.length()) +
                ", the text encoder's max_position_embeddings only " +
                std::to_string(text.max_position_embeddings) +
                "; tokenizer and text_encoder come from different models");
  }
  if (model.tokenizer.vocabulary() > text.vocab_size) {
    throw Error(where + "the tokenizer has " + std::to_string(model.tokenizer.vocabulary()) +
                " tokens, the text encoder's vocab_size is only " + std::to_string(text.vocab_size) +
                "; tokenizer and text_encoder come from different models");
  }
}

/// Published text encoders begin their names with "text_model.", newer transformers leaves that out.
void drop_text_model_prefix(TensorFiles& files) {
  files.rename([](const std::string& name) {
    const std::string prefix = "text_model.";
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  });
}

}  // namespace

ModelFolder ModelFolder::open(const fs::path& folder, const std::optional<fs::path>& vae) {
  check_is_model_folder(folder);
  const fs::path index = folder / "model_index.json";
  parse_model_index(read_text_file(index), index.string());
  check_components(folder, !vae);
  const fs::path unet_config = folder / "unet" / "config.json";
  const fs::path text_config = folder / "text_encoder" / "config.json";
  const fs::path scheduler_config = folder / "scheduler" / "scheduler_config.json";
  ModelFolder model{
      .path = folder,
      .autoencoder = vae.value_or(folder / "vae"),
      .unet_config = parse_unet_config(read_text_file(unet_config), unet_config.string()),
      .text_encoder_config = parse_clip_text_config(read_text_file(text_config), text_config.string()),
      .scheduler_config = parse_scheduler_config(read_text_file(scheduler_config), scheduler_config.string()),
      .unet = TensorFiles::open(folder / "unet", "diffusion_pytorch_model"),
      .text_encoder = TensorFiles::open(folder / "text_encoder", "model"),
      .tokenizer = Tokenizer::open(folder / "tokenizer")};
  drop_text_model_prefix(model.text_encoder);
  check_unet_channels(model.unet_config, unet_config.string());
  check_latent_channels(model.autoencoder);
  check_text_fits(model);
  return model;
}

}  // namespace streamdiffusion
