#pragma once

#include <filesystem>
#include <optional>

#include "hub/repository.h"
#include "hub/selection.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// Downloads what of the repository is needed and not there, and gives what is to be opened. Where the hub is
/// not reached the cache has to do, with a message.
std::filesystem::path fetch(const Repository& repository, Purpose purpose, const HubOptions& options);

/// What is to be opened, where the cache has all that is needed.
std::optional<std::filesystem::path> find_cached(const Repository& repository, Purpose purpose,
                                                 const HubOptions& options);

}  // namespace streamdiffusion::hub
