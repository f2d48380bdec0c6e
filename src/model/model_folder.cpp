#include "model/model_folder.h"

#include <string>

#include "model/files/dduf.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

/// Throws one Error that names all missing parts.
void check_components(const fs::path& folder, bool own_vae) {
  std::string missing;
  for (const char* name : {"unet", "text_encoder", "tokenizer", "vae", "scheduler"}) {
    if ((own_vae || std::string(name) != "vae") && !is_model_folder(folder / name)) {
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
  }
  if (!missing.empty()) {
    throw FileError(folder.string() + ": the model is not complete, missing: " + missing +
                    "; download the whole repository again");
  }
}

void warn_of_ignored_fields(const SchedulerConfig& scheduler, const fs::path& file,
                            const ModelOptions& options) {
  for (const std::string& field : scheduler.ignored_fields) {
    if (options.on_warning) {
      options.on_warning(
          file.string() + ": " + field +
          " is true, which has no effect here: what the UNet predicts is not limited; images may differ "
          "from those of diffusers");
    }
  }
}

}  // namespace

ModelFiles open_model_folder(const ModelOptions& options) {
  const fs::path& folder = options.path;
  const fs::path index = folder / "model_index.json";
  if (!is_model_file(index)) {
    throw FileError(folder.string() +
                    " has no model_index.json; give the folder of a diffusers model that has one");
  }
  parse_model_index(read_text_file(index), index.string());
  check_components(folder, !options.vae);
  const fs::path unet_config = folder / "unet" / "config.json";
  const fs::path text_config = folder / "text_encoder" / "config.json";
  const fs::path scheduler_config = folder / "scheduler" / "scheduler_config.json";
  ModelFiles model{
      .path = folder,
      .unet_config = parse_unet_config(read_text_file(unet_config), unet_config.string()),
      .text_encoder_config = parse_clip_text_config(read_text_file(text_config), text_config.string()),
      .scheduler_config = parse_scheduler_config(read_text_file(scheduler_config), scheduler_config.string()),
      .unet = TensorFiles::open(folder / "unet", "diffusion_pytorch_model"),
      .text_encoder = TensorFiles::open(folder / "text_encoder", "model"),
      .tokenizer = Tokenizer::open(folder / "tokenizer"),
      .autoencoder = AutoencoderFiles::open(options.vae.value_or(folder / "vae"))};
  warn_of_ignored_fields(model.scheduler_config, scheduler_config, options);
  model.text_encoder.rename(current_text_encoder_name);
  return model;
}

}  // namespace streamdiffusion
