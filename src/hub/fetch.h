#pragma once

#include <filesystem>
#include <optional>

#include "hub/repository.h"
#include "hub/selection.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// Downloads the required files that the cache lacks, and returns the path to open. Uses the cache, with a
/// message, if the hub cannot be reached. Throws Error if neither works.
std::filesystem::path fetch_files(const Repository& repository, Purpose purpose, const HubOptions& options);

/// Returns the path to open if the cache has all required files.
std::optional<std::filesystem::path> find_cached(const Repository& repository, Purpose purpose,
                                                 const HubOptions& options);

}  // namespace streamdiffusion::hub
