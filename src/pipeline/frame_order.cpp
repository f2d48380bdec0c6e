#include "pipeline/frame_order.h"

#include <algorithm>
#include <utility>

namespace streamdiffusion {

void FrameOrder::skip(std::int64_t number, std::chrono::microseconds time) {
  add({number, time, true});
  show_skipped();
}

void FrameOrder::take_result(Frame& frame) {
  const bool awaited = count_ > 0 && waiting(0).number <= frame.number;
  if (!awaited) {
    return;
  }
  if (last_.empty()) {
    last_ = frame;
  }
  while (count_ > 0 && waiting(0).number < frame.number) {
    show_last_for(waiting(0));
    drop_front();
  }
  last_ = frame;
  if (count_ > 0 && waiting(0).number == frame.number) {
    drop_front();
    show_(frame);
  }
  show_skipped();
}

void FrameOrder::finish() {
  while (count_ > 0 && !last_.empty()) {
    show_last_for(waiting(0));
    drop_front();
  }
}

void FrameOrder::add(const Input& input) {
  if (count_ == ring_.size()) {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(ring_.size() * 2);
  }
  waiting(count_) = input;
  ++count_;
}

void FrameOrder::drop_front() {
  first_ = (first_ + 1) % ring_.size();
  --count_;
}

void FrameOrder::show_last_for(const Input& input) {
  repeat_ = last_;
  repeat_.number = input.number;
  repeat_.time = input.time;
  show_(repeat_);
}

void FrameOrder::show_skipped() {
  while (count_ > 0 && waiting(0).skipped && !last_.empty()) {
    show_last_for(waiting(0));
    drop_front();
  }
}

}  // namespace streamdiffusion
