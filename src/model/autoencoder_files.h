#pragma once

#include <cstdint>
#include <filesystem>
#include <variant>

#include "model/config/config.h"
#include "model/files/tensor_files.h"

namespace streamdiffusion {

/// An autoencoder, read and checked, with the tensor names of diffusers.
struct AutoencoderFiles {
  /// A component's folder (config.json and weights), or a safetensors file of an AutoencoderKL.
  static AutoencoderFiles open(const std::filesystem::path& path);

  [[nodiscard]] std::int64_t latent_channels() const;

  std::variant<AutoencoderTinyConfig, AutoencoderKLConfig> config;
  TensorFiles weights;
};

}  // namespace streamdiffusion
