#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Makes one output of every input, in order: a stream gives the results of its inputs some steps later, and
/// none for inputs that its filter skipped. For those the result before is shown again, under the input's
/// number and time.
class FrameOrder {
 public:
  using Show = std::function<void(Frame&)>;

  /// `show` gets the outputs; it may swap other memory into the frame.
  explicit FrameOrder(Show show) : show_(std::move(show)) {}

  /// An input that went into the stream. Inputs come with rising numbers.
  void expect(std::int64_t number, std::chrono::microseconds time) { add({number, time, false}); }
  /// An input that the filter skipped.
  void skip(std::int64_t number, std::chrono::microseconds time);
  /// A result, by its number. Results for which no input is waiting are not shown.
  void result(Frame& frame);
  /// No result comes any more: what still waits shows the last one.
  void finish();

 private:
  struct Input {
    std::int64_t number;
    std::chrono::microseconds time;
    bool skipped;
  };

  void add(const Input& input);
  [[nodiscard]] Input& waiting(std::size_t i) { return ring_[(first_ + i) % ring_.size()]; }
  void drop_front();
  void show_last_for(const Input& input);
  void show_skipped();

  Show show_;
  std::vector<Input> ring_ = std::vector<Input>(16);  // inputs without output yet
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  Frame last_;    // the last result
  Frame repeat_;  // a copy of it to hand out
};

}  // namespace streamdiffusion
