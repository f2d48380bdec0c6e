#pragma once

#include <string>
#include <vector>

#include "hub/listing.h"
#include "hub/repository.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {

/// Downloads a commit's files into the cache, several at a time, and skips files that are there. The first
/// failure stops all downloads and is rethrown. Partial files are kept, and the next call resumes them.
/// Throws HubError before any download if the disk lacks space.
void download_all(const HubOptions& options, const Repository& repository, const std::string& commit,
                  const std::vector<RemoteFile>& files);

}  // namespace streamdiffusion::hub
