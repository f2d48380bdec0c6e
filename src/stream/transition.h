#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// A gradual change from given values to others, over a number of seconds of a stream's time. Copies share
/// the values.
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
  /// The values at the start. Requires that the transition was started.
  [[nodiscard]] const std::vector<float>& start_values() const { return *from_; }
  /// The completed fraction, 0 to 1.
  [[nodiscard]] float progress() const { return active() ? static_cast<float>(passed_ / seconds_) : 1.0F; }

 private:
  std::shared_ptr<const std::vector<float>> from_;
  double seconds_ = 0;
  double passed_ = 0;
};

/// The transitions of a stream. Their time is the Frame::time of its frames.
struct Transitions {
  Transition prompt;
  Transition noise;
  std::optional<std::chrono::microseconds> last_time;  ///< Time of the last stepped frame.

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
