#include "media/reopening_source.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::string rounded_seconds_text(std::chrono::duration<double> time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", time.count());
  return text;
}

}  // namespace

ReopeningSource::ReopeningSource(Options options)
    : options_(std::move(options)), source_(options_.open()), info_(source_->info()) {}

bool ReopeningSource::read(Frame& frame) {
  if (frames_read_ == 0) first_read_ = options_.clock.now();
  while (true) {
    try {
      return read_present(frame);
    } catch (const Error& error) {
      if (!reopen(error.what())) return false;
    }
  }
}

bool ReopeningSource::read_present(Frame& frame) {
  if (!source_->read(frame)) return false;
  frame.number = frames_read_++;
  frame.time += opened_at_;
  return true;
}

/// Reopens the lost source. Returns false if it was stopped.
bool ReopeningSource::reopen(std::string reason) {
  const MonotonicClock::TimePoint lost = options_.clock.now();
  source_.reset();
  for (std::chrono::milliseconds next_wait = options_.first_wait;;
       next_wait = std::min(next_wait * 2, options_.longest_wait)) {
    if (stopped()) return false;
    warn(reason + "; the last frame stays visible, reopening it in " + rounded_seconds_text(next_wait));
    if (!wait(next_wait)) return false;
    try {
      source_ = options_.open();
      break;
    } catch (const Error& error) {
      reason = error.what();
    }
  }
  const MonotonicClock::TimePoint now = options_.clock.now();
  opened_at_ = std::chrono::duration_cast<std::chrono::microseconds>(now - first_read_);
  warn(options_.name + " is back after " + rounded_seconds_text(now - lost));
  return true;
}

bool ReopeningSource::wait(std::chrono::milliseconds time) const {
  constexpr std::chrono::milliseconds kLook{20};
  const MonotonicClock::TimePoint end = options_.clock.now() + time;
  for (auto left = end - options_.clock.now(); left.count() > 0; left = end - options_.clock.now()) {
    if (stopped()) return false;
    options_.clock.sleep_for(std::min<MonotonicClock::Duration>(kLook, left));
  }
  return true;
}

void ReopeningSource::warn(const std::string& text) const {
  if (options_.on_warning) options_.on_warning(text);
}

}  // namespace streamdiffusion
