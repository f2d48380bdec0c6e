#pragma once

#include <map>
#include <string>

#include "cli/common_options.h"
#include "cli/settings.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion::cli {

/// Describes how an image was made, as text fields to store in its file. "parameters" is readable text in the
/// form of other programs, "streamdiffusion" is JSON.
std::map<std::string, std::string> describe(const CommonOptions& options, const Parameters& parameters,
                                            const ModelInfo& model, Size size);

}  // namespace streamdiffusion::cli
