#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace streamdiffusion {

/// Values on their way to others, over some seconds of a stream's time.
class Transition {
 public:
  void start(std::vector<float> from, double seconds) {
    from_ = std::move(from);
    seconds_ = seconds;
    passed_ = 0;
  }
  void stop() { passed_ = seconds_; }
  void advance(double seconds) { passed_ = std::min(passed_ + std::max(seconds, 0.0), seconds_); }

  [[nodiscard]] bool active() const { return passed_ < seconds_; }
  [[nodiscard]] const std::vector<float>& from() const { return from_; }
  /// 0 .. 1: how much of the way is done.
  [[nodiscard]] float share() const { return active() ? static_cast<float>(passed_ / seconds_) : 1.0F; }

 private:
  std::vector<float> from_;
  double seconds_ = 0;
  double passed_ = 0;
};

}  // namespace streamdiffusion
