#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>

#include "settings/settings.h"

namespace streamdiffusion {

/// The settings of a running stream. Any thread may call `apply` and `newest`. The stream's thread calls
/// `hand_over` between two steps to use the changes.
class LiveSettings {
 public:
  explicit LiveSettings(Settings settings);

  /// Changes the settings named in a JSON object, and returns all settings. Throws FieldError if one is not
  /// permitted; then nothing changes.
  Settings apply(const nlohmann::json& fields);
  [[nodiscard]] Settings newest() const;

  /// Calls `use` with the newest settings if `apply` has succeeded since the last call. Always call it from
  /// the same thread. If `use` throws, the newest settings return to those in use, unless `apply` succeeded
  /// again while `use` ran. The exception is rethrown.
  void hand_over(const std::function<void(const Settings&)>& use);

 private:
  mutable std::mutex mutex_;
  Settings newest_;
  bool changed_ = false;
  Settings in_use_;  ///< Settings that `use` took last; accessed only by the thread that calls hand_over.
};

}  // namespace streamdiffusion
