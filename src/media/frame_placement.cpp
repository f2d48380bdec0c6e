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

std::optional<std::int64_t> FramePlacement::place(std::chrono::microseconds since_first) {
  const double step = std::max(wished_place(since_first) - wished_, 0.0);
  if (step > 0) last_duration_ = step;
  wished_ += step;
  ++given_;
  const std::optional<std::int64_t> place = options_.fixed_rate ? multiple(wished_) : free_place(wished_);
  if (place) last_ = *place;
  // At a fixed rate, `step` is in frame intervals.
  const double same_time = options_.fixed_rate ? 0.1 : static_cast<double>(same_time_);
  if (!place && step < same_time) ++crowded_out_;
  if (!place && step >= same_time && !options_.fixed_rate) ++too_near_;
  return place;
}

double FramePlacement::ticks(std::chrono::microseconds time) const {
  return static_cast<double>(time.count()) * 1e-6 / av_q2d(time_base_);
}

/// The place of the next frame in ticks, before rounding.
double FramePlacement::wished_place(std::chrono::microseconds since_first) const {
  if (given_ == 0) return 0;
  return options_.by_time ? even_place(ticks(since_first)) : static_cast<double>(given_);
}

/// Snaps `exact` to an integer number of frame intervals after the last frame if it differs only by a
/// container's rounding.
double FramePlacement::even_place(double exact) const {
  const auto interval = static_cast<double>(interval_);
  const double even = wished_ + std::max(1.0, std::round((exact - wished_) / interval)) * interval;
  const double tolerance = std::min(kRoundingSeconds / av_q2d(time_base_), interval / 4);
  return std::abs(even - exact) <= tolerance ? even : exact;
}

std::optional<std::int64_t> FramePlacement::free_place(double wished) const {
  if (last_ < 0) return 0;
  const std::int64_t place = std::llround(wished);
  if (place - last_ >= shortest_) return place;
  if (place - last_ >= same_time_) return std::nullopt;
  const std::int64_t next = last_ + std::max(shortest_, interval_ / 2);
  return next - place <= interval_ ? std::optional(next) : std::nullopt;
}

std::optional<std::int64_t> FramePlacement::multiple(double wished) const {
  if (last_ < 0) return 0;
  // Frames may be up to one interval late, so that jitter around a multiple drops none.
  const std::int64_t next = last_ + 1;
  const double late = static_cast<double>(next) - wished;
  if (late > 1) return std::nullopt;
  return std::max(next, static_cast<std::int64_t>(std::llround(wished)));
}

void FramePlacement::set_last_duration(std::chrono::microseconds duration) {
  if (options_.by_time) last_duration_ = even_place(wished_ + ticks(duration)) - wished_;
}

std::int64_t FramePlacement::end() const {
  return std::max(last_ + 1, static_cast<std::int64_t>(std::llround(wished_ + last_duration_)));
}

}  // namespace streamdiffusion
