#include "streamdiffusion/pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/bounded_queue.h"
#include "pipeline/clocked_pipeline.h"
#include "pipeline/frame_order.h"
#include "pipeline/meter.h"
#include "pipeline/repeat_timer.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Frame::number of frames that only fill up the last frame buffer. Their results are not shown.
constexpr std::int64_t kPadding = -1;

constexpr std::chrono::milliseconds kProgressInterval{50};  // 20 times a second looks smooth.

/// A message from the stream's thread to post-processing.
struct StreamMessage {
  enum class Kind { expected, skipped, result };
  Kind kind = Kind::result;
  Frame frame;  ///< The result; for the other kinds only number and time are set.
};

class Pipeline {
 public:
  Pipeline(Source& source, FrameProcessor& processor, Sink& sink, const PipelineOptions& options,
           const std::atomic<bool>& stop, MonotonicClock& clock)
      : source_(source),
        processor_(processor),
        sink_(sink),
        options_(options),
        stop_(stop),
        clock_(clock),
        group_size_(static_cast<std::size_t>(processor.frame_buffer_size())),
        meter_(clock),
        repeat_timer_(source.info().frame_rate, processor.frame_buffer_size()),
        captured_(options.live ? 1 : capacity()),
        fitted_(options.live ? group_size_ : std::max(capacity(), group_size_)),
        results_(options.live ? 1 : capacity()),
        finished_(options.live ? 1 : capacity()) {}

  PipelineStatistics run(const std::function<void(const PipelineStatistics&)>& on_progress) {
    {
      std::vector<std::jthread> threads;
      try {
        for (auto stage : {&Pipeline::read_source, &Pipeline::preprocess, &Pipeline::step_stream,
                           &Pipeline::postprocess, &Pipeline::write_sink}) {
          threads.emplace_back([this, stage] { run_stage(stage); });
        }
        watch(on_progress);
      } catch (...) {
        fail(std::current_exception());
      }
    }
    if (error_) {
      std::rethrow_exception(error_);
    }
    const PipelineStatistics statistics = meter_.read();
    if (on_progress) {
      on_progress(statistics);
    }
    return statistics;
  }

 private:
  static constexpr int kStages = 5;

  [[nodiscard]] std::size_t capacity() const {
    return static_cast<std::size_t>(std::max(options_.queue_capacity, 1));
  }

  // --- the stages, each on its own thread ---

  void read_source() {
    Frame frame;
    const MonotonicClock::TimePoint start = clock_.now();
    while (meter_.time(&PipelineStatistics::source_seconds, [&] { return source_.read(frame); })) {
      if (options_.live && !wait_until_due(start + frame.time)) {
        break;
      }
      meter_.add(&PipelineStatistics::frames_in);
      if (!hand_on(captured_, frame)) {
        break;
      }
    }
    captured_.close();
  }

  void preprocess() {
    Frame in;
    Frame out;
    while (captured_.pop(in)) {
      meter_.time(&PipelineStatistics::preprocess_seconds, [&] { fit(in, out); });
      if (!hand_on(fitted_, out)) {
        break;
      }
    }
    fitted_.close();
  }

  void step_stream() {
    std::vector<Frame> group(group_size_);
    std::vector<Frame> out;
    while (gather(group)) {
      if (options_.before_step) {
        options_.before_step();
      }
      const StepResult result =
          meter_.time(&PipelineStatistics::stream_seconds, [&] { return processor_.step(group, out); });
      account(group, result);
      if (options_.live || !result.skipped) {
        publish(out);
      }
    }
    do {
      out.clear();
      if (!failed()) {
        meter_.time(&PipelineStatistics::stream_seconds, [&] { processor_.drain(out); });
      }
      publish(out);
    } while (!out.empty());
    results_.close();
  }

  void postprocess() {
    FrameOrder order([this](Frame& frame) { finished_.push(frame); });
    StreamMessage message;
    while (results_.pop(message)) {
      meter_.time(&PipelineStatistics::postprocess_seconds, [&] { order_message(order, message); });
    }
    order.finish();
    finished_.close();
  }

  void write_sink() {
    Frame frame;
    while (finished_.pop(frame)) {
      meter_.time(&PipelineStatistics::sink_seconds, [&] { sink_.write(frame); });
      meter_.add(&PipelineStatistics::frames_out);
    }
    if (failed()) {
      return;
    }
    // The source's thread makes no more calls, so `last_duration` is safe to call here.
    if (!stop_) {
      sink_.note_source_end(source_.last_duration());
    }
    meter_.time(&PipelineStatistics::sink_seconds, [&] { sink_.finish(); });
  }

  // --- parts of the stages ---

  /// Passes a frame to the next stage. Returns false if the pipeline accepts no more frames.
  bool hand_on(BoundedQueue<Frame>& queue, Frame& frame) {
    if (!options_.live) {
      const bool taken = queue.push(frame);
      meter_.add(&PipelineStatistics::dropped, taken ? 0 : 1);
      return taken;
    }
    const auto pushed = queue.push_newest(frame);
    meter_.add(&PipelineStatistics::dropped, pushed == BoundedQueue<Frame>::Newest::added ? 0 : 1);
    return pushed != BoundedQueue<Frame>::Newest::closed;
  }

  void fit(Frame& in, Frame& out) const {
    if (in.width == processor_.width() && in.height == processor_.height()) {
      std::swap(in, out);
      return;
    }
    out.resize(processor_.width(), processor_.height());
    out.number = in.number;
    out.time = in.time;
    fit_frame(in, options_.fit, out);
  }

  /// Fills the frame buffer. Returns false if no frame is left.
  bool gather(std::vector<Frame>& group) {
    for (std::size_t i = 0; i < group.size(); ++i) {
      switch (next_frame(group[i])) {
        case ReadOutcome::frame:
          break;
        case ReadOutcome::none_in_time:
          reuse(group, i);
          return true;
        case ReadOutcome::end:
          pad(group, i);
          return i > 0;
      }
    }
    return true;
  }

  enum class ReadOutcome { frame, none_in_time, end };

  ReadOutcome next_frame(Frame& frame) {
    if (!options_.live || !anything_stepped_) {
      anything_stepped_ = fitted_.pop(frame);
      repeat_timer_.frame_arrived(clock_.now());
      return anything_stepped_ ? ReadOutcome::frame : ReadOutcome::end;
    }
    switch (fitted_.pop_until(frame, repeat_timer_.reuse_at(), clock_)) {
      case BoundedQueue<Frame>::Popped::item:
        repeat_timer_.frame_arrived(clock_.now());
        return ReadOutcome::frame;
      case BoundedQueue<Frame>::Popped::timeout:
        return ReadOutcome::none_in_time;
      case BoundedQueue<Frame>::Popped::closed:
        break;
    }
    return ReadOutcome::end;
  }

  /// Fills the frame buffer from index `first` on with the last input, at the current time.
  void reuse(std::vector<Frame>& group, std::size_t first) {
    copy_last(group, first);
    const auto since_last =
        std::chrono::duration_cast<std::chrono::microseconds>(repeat_timer_.step_again(clock_.now()));
    for (std::size_t i = first; i < group.size(); ++i) {
      group[i].time += since_last;
    }
    meter_.add(&PipelineStatistics::reused, static_cast<std::int64_t>(group.size() - first));
  }

  static void pad(std::vector<Frame>& group, std::size_t first) {
    if (first == 0) {
      return;
    }
    copy_last(group, first);
    std::for_each(group.begin() + static_cast<std::ptrdiff_t>(first), group.end(),
                  [](Frame& frame) { frame.number = kPadding; });
  }

  /// Copies the last input to all frames from index `first` on. The last input is the frame before `first`,
  /// or, if `first` is 0, the last frame of the previous group, which `group` still holds.
  static void copy_last(std::vector<Frame>& group, std::size_t first) {
    const std::size_t last = first > 0 ? first - 1 : group.size() - 1;
    for (std::size_t i = first; i < group.size(); ++i) {
      if (i != last) {
        group[i] = group[last];
      }
    }
  }

  /// Counts skipped inputs and announces the inputs to post-processing.
  void account(const std::vector<Frame>& group, const StepResult& result) {
    const bool skipped = result.skipped;
    for (const Frame& frame : group) {
      if (frame.number == kPadding) {
        continue;
      }
      meter_.add(&PipelineStatistics::skipped, skipped ? 1 : 0);
      if (!options_.live) {
        message_.kind = skipped ? StreamMessage::Kind::skipped : StreamMessage::Kind::expected;
        message_.frame.number = frame.number;
        message_.frame.time = frame.time;
        results_.push(message_);
      }
    }
  }

  void publish(std::vector<Frame>& out) {
    for (Frame& frame : out) {
      if (frame.number != kPadding) {
        message_.kind = StreamMessage::Kind::result;
        std::swap(message_.frame, frame);
        results_.push(message_);
      }
    }
  }

  void order_message(FrameOrder& order, StreamMessage& message) {
    if (options_.live) {
      finished_.push(message.frame);
      return;
    }
    switch (message.kind) {
      case StreamMessage::Kind::expected:
        order.expect(message.frame.number, message.frame.time);
        break;
      case StreamMessage::Kind::skipped:
        order.skip(message.frame.number, message.frame.time);
        break;
      case StreamMessage::Kind::result:
        order.take_result(message.frame);
        break;
    }
  }

  // --- start and end ---

  void run_stage(void (Pipeline::*stage)()) {
    try {
      (this->*stage)();
    } catch (...) {
      fail(std::current_exception());
    }
    const std::lock_guard lock(mutex_);
    ++stages_ended_;
    changed_.notify_all();
  }

  void watch(const std::function<void(const PipelineStatistics&)>& on_progress) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kProgressInterval, [&] { return stages_ended_ == kStages; })) {
      lock.unlock();
      if (stop_) {
        take_no_more();
      }
      if (on_progress) {
        on_progress(meter_.read());
      }
      lock.lock();
    }
  }

  /// Waits until a live frame is due, because a file can be read faster than it plays. Returns false if the
  /// pipeline is ending.
  bool wait_until_due(MonotonicClock::TimePoint due) {
    std::unique_lock lock(mutex_);
    return !clock_.wait_until(lock, changed_, due, [&] { return ending_; });
  }

  /// Discards the frames that no step has taken yet. Frames in flight are still finished.
  void take_no_more() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    const std::size_t given_up = captured_.discard() + fitted_.discard();
    meter_.add(&PipelineStatistics::dropped, static_cast<std::int64_t>(given_up));
  }

  void fail(std::exception_ptr error) {
    {
      const std::lock_guard lock(mutex_);
      if (!error_) {
        error_ = std::move(error);
      }
    }
    take_no_more();
    results_.discard();
    finished_.discard();
  }

  bool failed() {
    const std::lock_guard lock(mutex_);
    return error_ != nullptr;
  }

  Source& source_;
  FrameProcessor& processor_;
  Sink& sink_;
  const PipelineOptions options_;
  const std::atomic<bool>& stop_;
  MonotonicClock& clock_;
  const std::size_t group_size_;

  Meter meter_;
  // Used only by the stream's thread.
  RepeatTimer repeat_timer_;
  bool anything_stepped_ = false;
  StreamMessage message_;

  BoundedQueue<Frame> captured_;         // from the source
  BoundedQueue<Frame> fitted_;           // in the stream's size
  BoundedQueue<StreamMessage> results_;  // from the stream
  BoundedQueue<Frame> finished_;         // for the sink

  std::mutex mutex_;  // protects the members below
  std::condition_variable changed_;
  int stages_ended_ = 0;
  bool ending_ = false;
  std::exception_ptr error_;
};

void check(const FrameProcessor& processor) {
  if (processor.width() < 1 || processor.height() < 1 || processor.frame_buffer_size() < 1) {
    throw ArgumentError("the stream's size and frame buffer must be at least 1");
  }
}

}  // namespace

PipelineStatistics run_pipeline(Source& source, FrameProcessor& processor, Sink& sink,
                                const PipelineOptions& options, const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress) {
  return run_pipeline(source, processor, sink, options, stop, on_progress, MonotonicClock::real());
}

PipelineStatistics run_pipeline(Source& source, FrameProcessor& processor, Sink& sink,
                                const PipelineOptions& options, const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress,
                                MonotonicClock& clock) {
  check(processor);
  return Pipeline(source, processor, sink, options, stop, clock).run(on_progress);
}

}  // namespace streamdiffusion
