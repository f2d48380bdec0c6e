#pragma once

#include <string>

namespace streamdiffusion::server {

/// Letters and digits that nobody can guess.
std::string random_name();

}  // namespace streamdiffusion::server
