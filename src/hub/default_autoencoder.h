#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// The autoencoder that takes the place of a model's own where nobody has chosen one.
struct DefaultAutoencoder {
  std::optional<std::filesystem::path> path = {};  ///< none: the model's own
  /// Which one it is, and how to choose the other, for those who load the model; empty where there is nothing
  /// to choose.
  std::string note = {};
};

/// Chooses TAESD, as the original StreamDiffusion does. The model keeps its own where that is small itself,
/// where its latents are not Stable Diffusion 1.x's and 2.x's, and where TAESD is not to be had. `download`:
/// fetch it where the cache does not have it.
DefaultAutoencoder default_autoencoder(const std::filesystem::path& model, bool download,
                                       const HubOptions& options);

}  // namespace streamdiffusion::hub
