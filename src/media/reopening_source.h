#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/monotonic_clock.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// A live source that is reopened when it is lost, after growing waits. Frames' numbers and times continue.
class ReopeningSource : public Source {
 public:
  struct Options {
    std::function<std::unique_ptr<Source>()> open;
    std::string name;                         ///< Name in messages.
    const std::atomic<bool>* stop = nullptr;  ///< Ends waiting when it becomes true; may be null.
    std::function<void(const std::string&)> on_warning;
    std::chrono::milliseconds first_wait{500};  ///< Doubled after each failed attempt.
    std::chrono::milliseconds longest_wait{10'000};
    MonotonicClock& clock = MonotonicClock::real();
  };

  /// Opens the source. Throws what Options::open throws.
  explicit ReopeningSource(Options options);

  /// Describes the source as first opened. After reopening, frames may have another size.
  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override;

 private:
  bool read_present(Frame& frame);
  bool reopen(std::string reason);
  bool wait(std::chrono::milliseconds time) const;
  void warn(const std::string& text) const;
  [[nodiscard]] bool stopped() const { return options_.stop != nullptr && *options_.stop; }

  Options options_;
  std::unique_ptr<Source> source_;
  SourceInfo info_;
  std::int64_t frames_read_ = 0;
  MonotonicClock::TimePoint first_read_;
  std::chrono::microseconds opened_at_{0};  ///< Time of the current source's time 0.
};

}  // namespace streamdiffusion
