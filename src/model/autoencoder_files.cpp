#include "model/autoencoder_files.h"

#include <string>

#include "model/files/dduf.h"
#include "model/single_file/single_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

namespace fs = std::filesystem;

std::variant<AutoencoderTinyConfig, AutoencoderKLConfig> read_config(const fs::path& file) {
  const std::string json = read_text_file(file);
  const std::string class_name = parse_class_name(json, file.string());
  if (class_name == "AutoencoderTiny") {
    return parse_autoencoder_tiny_config(json, file.string());
  }
  if (class_name == "AutoencoderKL") {
    return parse_autoencoder_kl_config(json, file.string());
  }
  throw FileError(file.string() + ": autoencoder class \"" + class_name +
                  "\" is not supported; use a model with an AutoencoderTiny or an AutoencoderKL");
}

[[noreturn]] void refuse(const fs::path& path) {
  if (is_model_file(path / "model_index.json")) {
    throw FileError(path.string() + ": is a whole model; as autoencoder give its subfolder vae");
  }
  throw FileError(
      path.string() + (is_model_folder(path) ? ": has no config.json" : ": there is no such folder or file") +
      "; an autoencoder is a folder with config.json and weights, as the subfolder vae of a diffusers "
      "model, or one .safetensors file");
}

}  // namespace

AutoencoderFiles AutoencoderFiles::open(const fs::path& path) {
  if (fs::is_regular_file(path)) {
    return open_autoencoder_file(path);
  }
  const fs::path config = path / "config.json";
  if (!is_model_file(config)) {
    refuse(path);
  }
  AutoencoderFiles files{.config = read_config(config),
                         .weights = TensorFiles::open(path, "diffusion_pytorch_model")};
  files.weights.rename(current_autoencoder_name);
  return files;
}

std::int64_t AutoencoderFiles::latent_channels() const {
  return std::visit([](const auto& each) { return each.latent_channels; }, config);
}

}  // namespace streamdiffusion
