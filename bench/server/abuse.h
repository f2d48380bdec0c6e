#pragma once

#include <nlohmann/json.hpp>

#include "server/server_process.h"

namespace streamdiffusion::bench {

/// A good session at a camera's pace beside clients that behave badly, all at once: one that reads nothing,
/// one that sends garbage, one that disconnects in mid-frame, and 200 that connect and leave, again and
/// again.
nlohmann::json measure_abuse(const ServerProcess& server, double seconds);

}  // namespace streamdiffusion::bench
