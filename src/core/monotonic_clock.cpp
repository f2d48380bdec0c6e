#include "core/monotonic_clock.h"

#include <thread>

namespace streamdiffusion {
namespace {

class RealClock final : public MonotonicClock {
 public:
  using MonotonicClock::wait_until;

  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  void sleep_for(Duration time) override { std::this_thread::sleep_for(time); }
  std::cv_status wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                            TimePoint deadline) override {
    return changed.wait_until(lock, deadline);
  }
};

}  // namespace

MonotonicClock& MonotonicClock::real() {
  static RealClock clock;
  return clock;
}

}  // namespace streamdiffusion
