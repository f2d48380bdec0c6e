#pragma once

#include <filesystem>
#include <optional>

#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// The autoencoder that takes the place of a model's own where nobody has chosen one: TAESD, as in the
/// original StreamDiffusion. None where the model brings a small one itself, where its latents are not Stable
/// Diffusion 1.x's and 2.x's, and where TAESD is not to be had (with a message). `download`: fetch it where
/// the cache does not have it.
std::optional<std::filesystem::path> default_autoencoder(const std::filesystem::path& model, bool download,
                                                         const HubOptions& options);

}  // namespace streamdiffusion::hub
