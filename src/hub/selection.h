#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/repository.h"

namespace streamdiffusion::hub {

/// What a repository is fetched for.
enum class Purpose { model, autoencoder, lora };

/// The files of a repository that are needed, and what the program opens.
struct Selection {
  std::vector<RemoteFile> files;
  std::string opened;  ///< a path inside the repository: a folder, a file, or "" for the whole
};

/// Chooses: of a diffusers folder its index and the components that are computed, of a component's folder its
/// configuration and weights, else the one safetensors file that is there or was named, with the
/// adapter_config.json beside it. Never a pickle. Of
/// several variants of the same weights the one that `is_there` already, else float16. Throws Error that
/// names what can be chosen where that is not clear, and says why where nothing can be used.
Selection select_files(const std::vector<RemoteFile>& files, const Repository& repository, Purpose purpose,
                       const std::function<bool(const RemoteFile&)>& is_there);

}  // namespace streamdiffusion::hub
