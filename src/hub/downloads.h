#pragma once

#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/repository.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// Brings files of a commit into the cache, several at a time. The first failure ends all; what has come is
/// kept for the next time. Throws Error where the disk has not enough room, before anything is downloaded.
void download_all(const HubOptions& options, const Repository& repository, const std::string& commit,
                  const std::vector<RemoteFile>& files);

}  // namespace streamdiffusion::hub
