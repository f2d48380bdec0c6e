#include "media/frame_placement.h"

#include <algorithm>
#include <cmath>

namespace streamdiffusion {
namespace {

/// Ticks per second of the finest time base. MPEG-4 allows at most 65535, and this is a multiple of most
/// frame rates.
constexpr int kFinest = 60'000;

/// The factor by which the time base is finer than 1 / (the rate's numerator).
int ticks_per_unit(const FramePlacement::Options& options) {
  if (!options.by_time || options.fixed_rate) return 1;
  return std::max(1, kFinest / options.frame_rate.num);
}

/// Largest error of the distance of two times: 1 ms if Matroska rounded both to milliseconds, plus rounding
/// to microseconds.
constexpr double kRoundingSeconds = 0.00101;

}  // namespace

FramePlacement::FramePlacement(const Options& options)
    : options_(options), time_base_(av_inv_q(options.frame_rate)), interval_(1), last_duration_(1) {
  if (options.by_time && !options.fixed_rate) {
    const int ticks = ticks_per_unit(options);
    time_base_ = {1, options.frame_rate.num * ticks};
    interval_ = std::int64_t{options.frame_rate.den} * ticks;
    last_duration_ = static_cast<double>(interval_);
  }
}

std::optional<std::int64_t> FramePlacement::place_frame(std::chrono::microseconds since_first) {
  const double step = std::max(desired_pts(since_first) - desired_, 0.0);
  if (step > 0) last_duration_ = step;
  desired_ += step;
  ++frames_;
  const std::optional<std::int64_t> pts = options_.fixed_rate ? multiple_pts(desired_) : free_pts(desired_);
  if (pts) last_ = *pts;
  // At a fixed rate, `step` is in frame intervals.
  const double same_time = options_.fixed_rate ? 0.1 : static_cast<double>(same_time_);
  if (!pts && step < same_time) ++simultaneous_frames_;
  if (!pts && step >= same_time && !options_.fixed_rate) ++close_frames_;
  return pts;
}

double FramePlacement::ticks(std::chrono::microseconds time) const {
  return static_cast<double>(time.count()) * 1e-6 / av_q2d(time_base_);
}

/// The pts of the next frame in ticks, before rounding.
double FramePlacement::desired_pts(std::chrono::microseconds since_first) const {
  if (frames_ == 0) return 0;
  return options_.by_time ? even_pts(ticks(since_first)) : static_cast<double>(frames_);
}

/// Snaps `exact` to an integer number of frame intervals after the last frame if it differs only by a
/// container's rounding.
double FramePlacement::even_pts(double exact) const {
  const auto interval = static_cast<double>(interval_);
  const double even = desired_ + std::max(1.0, std::round((exact - desired_) / interval)) * interval;
  const double tolerance = std::min(kRoundingSeconds / av_q2d(time_base_), interval / 4);
  return std::abs(even - exact) <= tolerance ? even : exact;
}

std::optional<std::int64_t> FramePlacement::free_pts(double desired) const {
  if (last_ < 0) return 0;
  const std::int64_t pts = std::llround(desired);
  if (pts - last_ >= shortest_) return pts;
  if (pts - last_ >= same_time_) return std::nullopt;
  const std::int64_t next = last_ + std::max(shortest_, interval_ / 2);
  return next - pts <= interval_ ? std::optional(next) : std::nullopt;
}

std::optional<std::int64_t> FramePlacement::multiple_pts(double desired) const {
  if (last_ < 0) return 0;
  // Frames may be up to one interval late, so that jitter around a multiple drops none.
  const std::int64_t next = last_ + 1;
  const double late = static_cast<double>(next) - desired;
  if (late > 1) return std::nullopt;
  return std::max(next, static_cast<std::int64_t>(std::llround(desired)));
}

void FramePlacement::set_last_duration(std::chrono::microseconds duration) {
  if (options_.by_time) last_duration_ = even_pts(desired_ + ticks(duration)) - desired_;
}

std::int64_t FramePlacement::end() const {
  return std::max(last_ + 1, static_cast<std::int64_t>(std::llround(desired_ + last_duration_)));
}

}  // namespace streamdiffusion
