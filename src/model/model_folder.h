#pragma once

#include <filesystem>
#include <optional>

#include "model/config/config.h"
#include "model/files/tensor_files.h"
#include "model/text/tokenizer.h"

namespace streamdiffusion {

/// A diffusers folder, read and checked: its parts are there and fit one another. Weights stay in their
/// mapped files.
struct ModelFolder {
  /// Throws Error where something is missing, malformed or does not fit. `vae`: an autoencoder's folder in
  /// place of the model's own.
  static ModelFolder open(const std::filesystem::path& folder,
                          const std::optional<std::filesystem::path>& vae);

  std::filesystem::path path;
  std::filesystem::path autoencoder;  ///< the folder of the autoencoder
  UNet2DConditionConfig unet_config;
  ClipTextConfig text_encoder_config;
  SchedulerConfig scheduler_config;
  TensorFiles unet;
  TensorFiles text_encoder;
  Tokenizer tokenizer;
};

}  // namespace streamdiffusion
