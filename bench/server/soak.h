#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/server_process.h"

namespace streamdiffusion::bench {

struct SoakOptions {
  double seconds = 3600;
  double warm_up = 120;           ///< seconds until memory has to be level
  double frames_per_second = 20;  ///< of each client
  int clients = 4;
  /// The settings that the clients change, one of these at random every five frames; see soak_changes.
  std::vector<std::string> changes;
};

/// The names of all changes that a client can make: each setting and each property of a stream.
const std::vector<std::string>& soak_changes();

/// Clients at a camera's pace that keep changing their settings, as sliders do that are dragged for hours.
/// The server's resident memory over time; "is_level" is false where it has grown by more than 3% after the
/// warm-up.
nlohmann::json measure_soak(const ServerProcess& server, const SoakOptions& options);

}  // namespace streamdiffusion::bench
