#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/repository.h"

namespace streamdiffusion::hub {

/// The use that a repository is fetched for.
enum class Purpose { model, autoencoder, lora };

/// The required files of a repository, and the path in it to open.
struct Selection {
  std::vector<RemoteFile> files;
  std::string path_to_open;  ///< Path of a folder or file inside the repository; empty for the root.
};

/// Selects the files to download, never a pickle:
/// - of a diffusers folder, the index and the components that are used;
/// - of a component's folder, its configuration and weights;
/// - otherwise the only safetensors file or the named one, with the adapter_config.json beside it.
/// Prefers a variant of the weights that `is_there` already, then float16. Throws Error that lists the
/// choices if there are several, or says why there is none.
Selection select_files(const std::vector<RemoteFile>& files, const Repository& repository, Purpose purpose,
                       const std::function<bool(const RemoteFile&)>& is_there);

}  // namespace streamdiffusion::hub
