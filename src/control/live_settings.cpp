#include "control/live_settings.h"

#include <utility>

#include "control/settings_json.h"

namespace streamdiffusion {

LiveSettings::LiveSettings(Settings settings) : newest_(std::move(settings)), in_use_(newest_) {}

Settings LiveSettings::apply(const nlohmann::json& fields) {
  const std::lock_guard lock(mutex_);
  apply_json(fields, newest_);
  changed_ = true;
  return newest_;
}

Settings LiveSettings::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

void LiveSettings::hand_over(const std::function<void(const Settings&)>& use) {
  Settings next;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(changed_, false)) return;
    next = newest_;
  }
  try {
    use(next);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!changed_) newest_ = in_use_;
    throw;
  }
  in_use_ = std::move(next);
}

}  // namespace streamdiffusion
