#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "manual_clock.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion::fakes {

/// The flag of a pipeline that runs to the end of its source.
inline const std::atomic<bool> kNeverStop{false};

/// A source of frames in memory, each of one colour: its number modulo 256.
class MemorySource : public Source {
 public:
  MemorySource(int frames, int width, int height, double frame_rate = 25) : frames_(frames) {
    info_ = {.width = width, .height = height, .frame_rate = frame_rate, .frames = frames};
  }
  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override {
    if (before_read) {
      before_read(next_);
    }
    if (next_ == frames_) {
      return false;
    }
    frame.resize(info_.width, info_.height);
    std::fill(frame.pixels.begin(), frame.pixels.end(), static_cast<std::uint8_t>(next_));
    frame.number = next_;
    frame.time = std::chrono::microseconds(static_cast<std::int64_t>(next_ * 1e6 / info_.frame_rate));
    ++next_;
    return true;
  }
  [[nodiscard]] std::chrono::microseconds last_duration() const override { return kLastDuration; }

  static constexpr std::chrono::milliseconds kLastDuration{700};

  std::function<void(int)> before_read;  ///< Called with the number of the frame to read.

 private:
  SourceInfo info_;
  int frames_;
  int next_ = 0;
};

/// Copies frames and returns them `delay` steps later, as a stream with delay + 1 denoising steps does.
class DelayProcessor : public FrameProcessor {
 public:
  DelayProcessor(int size, int delay = 0, int frame_buffer_size = 1)
      : size_(size), delay_(delay), frame_buffer_size_(frame_buffer_size) {}
  [[nodiscard]] int width() const override { return size_; }
  [[nodiscard]] int height() const override { return size_; }
  [[nodiscard]] int frame_buffer_size() const override { return frame_buffer_size_; }

  StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out) override {
    stepped.push_back(in.front().number);
    if (before_step) {
      before_step(in.front());
    }
    if (skip && skip(in.front())) {
      out = last_;
      return {.skipped = true, .finished = out.size()};
    }
    in_flight_.push_back(in);
    give(out, delay_);
    return {.finished = out.size()};
  }
  void drain(std::vector<Frame>& out) override { give(out, 0); }

  std::function<void(const Frame&)> before_step;
  std::function<bool(const Frame&)> skip;
  std::vector<std::int64_t> stepped;  ///< Number of the first frame of each step.

 private:
  void give(std::vector<Frame>& out, int delay) {
    out.clear();
    if (static_cast<int>(in_flight_.size()) > delay) {
      out = in_flight_.front();
      last_ = out;
      in_flight_.pop_front();
    }
  }

  int size_;
  int delay_;
  int frame_buffer_size_;
  std::deque<std::vector<Frame>> in_flight_;
  std::vector<Frame> last_;
};

/// Counts events on one thread, so that another thread can wait for them.
class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  /// Waits until the count is at least `count`. Returns false after kTestPatience.
  [[nodiscard]] bool wait_for(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestPatience, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// Keeps number, time and colour of the frames written.
class MemorySink : public Sink {
 public:
  void write(const Frame& frame) override {
    if (before_write) {
      before_write(frame);
    }
    numbers.push_back(frame.number);
    times.push_back(frame.time);
    colours.push_back(frame.pixels.at(0));
    written.add();
  }
  void note_source_end(std::chrono::microseconds duration) override { last_duration = duration; }
  void finish() override { finished = true; }

  std::function<void(const Frame&)> before_write;
  std::optional<std::chrono::microseconds> last_duration;  ///< None: the source has not ended.
  std::vector<std::int64_t> numbers;
  std::vector<std::chrono::microseconds> times;
  std::vector<int> colours;
  Counter written;
  bool finished = false;
};

}  // namespace streamdiffusion::fakes
