#pragma once

#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/repository.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// Downloads files of a commit into the cache, several at a time. The first failure stops all; received bytes
/// are kept for the next run. Throws Error before any download if the disk lacks space.
void download_all(const HubOptions& options, const Repository& repository, const std::string& commit,
                  const std::vector<RemoteFile>& files);

}  // namespace streamdiffusion::hub
