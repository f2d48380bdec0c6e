#include "model/networks/autoencoder.h"

#include <string>

#include "model/config/config.h"
#include "model/files/tensor_files.h"
#include "model/networks/autoencoder_kl.h"
#include "model/networks/autoencoder_tiny.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::unique_ptr<Autoencoder> Autoencoder::open(Device& device, const std::filesystem::path& folder) {
  const std::filesystem::path config_file = folder / "config.json";
  const std::string json = read_text_file(config_file);
  const std::string class_name = parse_class_name(json, config_file.string());
  TensorFiles files = TensorFiles::open(folder, "diffusion_pytorch_model");
  files.rename(current_autoencoder_name);
  LayerCache cache;
  LayerLoader layers(device, files, Lora::Network::unet, {}, cache);

  std::unique_ptr<Autoencoder> autoencoder;
  if (class_name == "AutoencoderTiny") {
    autoencoder =
        std::make_unique<AutoencoderTiny>(parse_autoencoder_tiny_config(json, config_file.string()), layers);
  } else if (class_name == "AutoencoderKL") {
    autoencoder =
        std::make_unique<AutoencoderKL>(parse_autoencoder_kl_config(json, config_file.string()), layers);
  } else {
    throw Error(config_file.string() + ": autoencoder class \"" + class_name +
                "\" is not supported; use a model with an AutoencoderTiny or an AutoencoderKL");
  }
  files.release_pages();
  return autoencoder;
}

}  // namespace streamdiffusion
