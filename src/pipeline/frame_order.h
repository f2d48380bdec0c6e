#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Produces one output for every input, in order. A stream returns results some steps after the inputs, and
/// none for inputs that its filter skips. Such an input shows the result before, with its own number and
/// time.
class FrameOrder {
 public:
  using ShowFrame = std::function<void(Frame&)>;

  /// `show` is called with each output. It may swap other memory into the frame.
  explicit FrameOrder(ShowFrame show) : show_(std::move(show)) {}

  /// Records an input that went into the stream. The numbers of inputs must increase.
  void expect(std::int64_t number, std::chrono::microseconds time) { add({number, time, false}); }
  /// Records an input that the filter skipped.
  void skip(std::int64_t number, std::chrono::microseconds time);
  /// Takes a result, and shows it for the input with its number. A result without a waiting input is
  /// discarded.
  void take_result(Frame& frame);
  /// Ends the order: all inputs that still wait show the last result.
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

  ShowFrame show_;
  std::vector<Input> ring_ = std::vector<Input>(16);  // inputs without an output, in a growing ring buffer
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  Frame last_;    // the last result
  Frame repeat_;  // copy of last_ that `show` may take
};

}  // namespace streamdiffusion
