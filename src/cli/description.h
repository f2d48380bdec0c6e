#pragma once

#include <map>
#include <string>

#include "cli/common_options.h"
#include "cli/settings.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion::cli {

/// How a picture came about, to be stored in it: "parameters" for people, in the form that other programs
/// write and read, and "streamdiffusion" as JSON.
std::map<std::string, std::string> describe(const CommonOptions& options, const Parameters& parameters,
                                            const ModelInfo& model, Size size);

}  // namespace streamdiffusion::cli
