#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>

#include "settings/settings.h"

namespace streamdiffusion {

/// The settings of a running stream. Any thread may change them; the stream's thread takes them over between
/// two steps. Thread-safe.
class LiveSettings {
 public:
  explicit LiveSettings(Settings settings);

  /// Changes the settings given in a JSON object, and returns all settings. Throws as apply_json does.
  Settings apply(const nlohmann::json& fields);
  [[nodiscard]] Settings newest() const;

  /// Calls `use` with the newest settings if they changed since the last call. Must be called from one
  /// thread. If `use` throws, the settings in use become the newest again, unless there was another change
  /// meanwhile. The exception is passed on.
  void hand_over(const std::function<void(const Settings&)>& use);

 private:
  mutable std::mutex mutex_;
  Settings newest_;
  bool changed_ = false;
  Settings in_use_;  ///< Settings that `use` took last; accessed only by the thread that calls hand_over.
};

}  // namespace streamdiffusion
