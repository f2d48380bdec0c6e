#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/server_process.h"

namespace streamdiffusion::bench {

struct SoakOptions {
  double seconds = 3600;
  double warm_up = 120;           ///< Seconds after which memory must no longer grow.
  double frames_per_second = 20;  ///< Frame rate of each client.
  int clients = 4;
  /// Names from soak_changes. Every five frames, each client makes one of these changes at random.
  std::vector<std::string> changes;
};

/// The names of all changes that a client can make: each setting and each property of a stream.
const std::vector<std::string>& soak_changes();

/// Runs clients at a camera's pace that keep changing their settings, as users do who drag sliders for hours.
/// Returns the server's resident memory over time. "is_level" is false if it grew by more than 3% after the
/// warm-up.
nlohmann::json measure_soak(const ServerProcess& server, const SoakOptions& options);

}  // namespace streamdiffusion::bench
