#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// Values on their way to others, over some seconds of a stream's time. Copies share the values.
class Transition {
 public:
  void start(std::vector<float> from, double seconds) {
    from_ = std::make_shared<const std::vector<float>>(std::move(from));
    seconds_ = seconds;
    passed_ = 0;
  }
  void stop() { passed_ = seconds_; }
  void advance(double seconds) { passed_ = std::min(passed_ + std::max(seconds, 0.0), seconds_); }

  [[nodiscard]] bool active() const { return passed_ < seconds_; }
  /// Of a transition that has been started.
  [[nodiscard]] const std::vector<float>& from() const { return *from_; }
  /// 0 .. 1: how much of the way is done.
  [[nodiscard]] float share() const { return active() ? static_cast<float>(passed_ / seconds_) : 1.0F; }

 private:
  std::shared_ptr<const std::vector<float>> from_;
  double seconds_ = 0;
  double passed_ = 0;
};

/// A stream's transitions, which go by the times of its frames.
struct Transitions {
  Transition prompt;
  Transition noise;
  std::optional<std::chrono::microseconds> last_time;  ///< of a frame that was stepped

  [[nodiscard]] bool active() const { return prompt.active() || noise.active(); }
  void stop() {
    prompt.stop();
    noise.stop();
    last_time.reset();
  }
  void advance_to(std::chrono::microseconds time) {
    const double seconds = last_time ? std::chrono::duration<double>(time - *last_time).count() : 0;
    last_time = time;
    prompt.advance(seconds);
    noise.advance(seconds);
  }
};

}  // namespace streamdiffusion
