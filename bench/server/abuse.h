#pragma once

#include <nlohmann/json.hpp>

#include "server/server_process.h"

namespace streamdiffusion::bench {

/// Measures a good session at a camera's pace before, during and after `seconds` of abuse, and the server's
/// memory and descriptors. Four bad clients run at once. They read nothing, send garbage, disconnect in
/// mid-frame, and open and close 200 connections again and again.
nlohmann::json measure_abuse(const ServerProcess& server, double seconds);

}  // namespace streamdiffusion::bench
