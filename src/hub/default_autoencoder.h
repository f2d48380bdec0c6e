#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// The autoencoder to use when the user has chosen none.
struct DefaultAutoencoder {
  std::optional<std::filesystem::path> path = {};  ///< Nothing for the model's own.
  /// Text for the user: the autoencoder chosen and how to choose the other. Empty if there is no choice.
  std::string note = {};
};

/// Chooses TAESD, as the original StreamDiffusion does. Keeps the model's own autoencoder if that is not a
/// Stable Diffusion 1.x or 2.x AutoencoderKL, or if TAESD is not available. With `download`, TAESD is
/// downloaded if the cache lacks it.
DefaultAutoencoder choose_default_autoencoder(const std::filesystem::path& model, bool download,
                                              const HubOptions& options);

}  // namespace streamdiffusion::hub
