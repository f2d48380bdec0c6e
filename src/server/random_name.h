#pragma once

#include <string>

namespace streamdiffusion::server {

/// Returns 16 random characters (96 bits) from letters, digits, - and _. Throws Error if the system gives no
/// random bytes.
std::string random_name();

}  // namespace streamdiffusion::server
