#include "hub/retry.h"

#include <algorithm>
#include <random>

#include "streamdiffusion/hub.h"

namespace streamdiffusion::hub {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{300};            // Doubled after each failure.
constexpr milliseconds kLongestPause{10'000};       // A connection that is back is noticed this soon.
constexpr std::chrono::seconds kLongestAsked{300};  // The hub counts requests in windows of five minutes.

}  // namespace

milliseconds Retry::pause(int failures) {
  return std::min(kLongestPause, kFirstPause * (1 << std::clamp(failures - 1, 0, 16)));
}

void Retry::run(const std::function<void()>& attempt, const std::function<bool()>& progressed) const {
  // A random part of each pause spreads the retries of many clients over time.
  std::minstd_rand random(std::random_device{}());
  for (int failures = 0;;) {
    try {
      return attempt();
    } catch (const Unavailable& error) {
      failures = progressed() ? 1 : failures + 1;
      const auto asked = error.retry_after();
      if (failures >= attempts_ || (asked && *asked > kLongestAsked)) {
        throw;
      }
      const milliseconds usual = pause(failures);
      const milliseconds chance(random() % static_cast<std::uint64_t>(usual.count() + 1));
      const milliseconds time = asked ? milliseconds(*asked) : usual + chance;
      if (on_message_) {
        on_message_(std::string(error.what()) + "; trying again" +
                    (time.count() >= 2000 ? " in " + std::to_string(time.count() / 1000) + " s" : ""));
      }
      wait(time);
    }
  }
}

void Retry::wait(milliseconds time) const {
  constexpr milliseconds kSlice{50};
  const MonotonicClock::TimePoint end = clock_.now() + time;
  while (clock_.now() < end) {
    if (stop_ != nullptr && *stop_) {
      throw HubStopped(
          "the download was stopped; what has come is kept, and the next download goes on from there");
    }
    clock_.sleep_for(kSlice);
  }
}

}  // namespace streamdiffusion::hub
