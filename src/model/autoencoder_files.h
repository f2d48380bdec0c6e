#pragma once

#include <cstdint>
#include <filesystem>
#include <variant>

#include "model/config/config.h"
#include "model/files/tensor_files.h"

namespace streamdiffusion {

/// The configuration and weights of an autoencoder, read and checked. Tensors have diffusers' names.
struct AutoencoderFiles {
  /// Opens a component's folder (config.json and weights) or a safetensors file of an AutoencoderKL. Throws
  /// Error if something is missing, malformed or unsupported.
  static AutoencoderFiles open(const std::filesystem::path& path);

  [[nodiscard]] std::int64_t latent_channels() const;

  std::variant<AutoencoderTinyConfig, AutoencoderKLConfig> config;
  TensorFiles weights;
};

}  // namespace streamdiffusion
