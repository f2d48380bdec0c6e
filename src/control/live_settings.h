#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>

#include "control/settings.h"

namespace streamdiffusion {

/// The settings of a running stream: changed from any thread, taken over on the stream's, between two steps.
/// Thread-safe.
class LiveSettings {
 public:
  explicit LiveSettings(Settings settings);

  /// Changes the fields of a JSON object, as apply_json does and with its errors; gives what came of it.
  Settings apply(const nlohmann::json& fields);
  [[nodiscard]] Settings newest() const;

  /// Gives the newest settings to `use` where they have changed since the last call; to be called from one
  /// thread. Where `use` throws, the settings that it took before are the newest again, unless others have
  /// come meanwhile, and the exception goes on.
  void hand_over(const std::function<void(const Settings&)>& use);

 private:
  mutable std::mutex mutex_;
  Settings newest_;
  bool changed_ = false;
  Settings in_use_;  ///< of the thread that hands over
};

}  // namespace streamdiffusion
