#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "streamdiffusion/export.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// How a pipeline runs.
struct PipelineOptions {
  /// True: live, so the newest frame wins. Older frames are dropped and counted. If no frame arrives for one
  /// and a half frame intervals, the last input is stepped again under its number and the current time. This
  /// repeats at the source's frame rate at most. A source that can be read faster (a file) is read at the
  /// pace of its frame times.
  ///
  /// False: offline, so every input gives one output, with its number and time. An input that the similarity
  /// filter skips shows the result before.
  bool live = false;
  Fit fit = Fit::crop;     ///< How input frames are fitted into the stream's size.
  int queue_capacity = 4;  ///< Frames that each queue between two stages holds, offline; at least 1.
  /// Called on the stream's thread before each step. It may change the stream's parameters.
  std::function<void()> before_step = nullptr;
};

/// Counts since the start. Seconds are sums over all frames.
struct PipelineStatistics {
  std::int64_t frames_in = 0;   ///< Frames that the source delivered.
  std::int64_t frames_out = 0;  ///< Frames that the sink has taken.
  std::int64_t dropped = 0;     ///< Frames that a newer one replaced (live), or that waited when `stop` came.
  std::int64_t skipped = 0;     ///< Frames that the similarity filter skipped.
  std::int64_t reused = 0;      ///< Live: inputs that were stepped again because no new frame had arrived.
  double source_seconds = 0;    ///< Time in Source::read.
  double preprocess_seconds = 0;   ///< Time in fitting frames into the stream's size.
  double stream_seconds = 0;       ///< Time in Stream::step and Stream::drain.
  double postprocess_seconds = 0;  ///< Time in putting results in order.
  double sink_seconds = 0;         ///< Time in Sink::write.
  double elapsed_seconds = 0;      ///< Time since the start.
  double fps = 0;                  ///< Frames out per second, over the last three seconds.
};

/// The part of Stream's interface that the pipeline uses, so that tests can replace the stream. The methods
/// behave as Stream's. All calls come from one thread at a time.
class STREAMDIFFUSION_API FrameProcessor {
 public:
  virtual ~FrameProcessor() = default;
  /// Returns the width of the frames in pixels.
  [[nodiscard]] virtual int width() const = 0;
  /// Returns the height of the frames in pixels.
  [[nodiscard]] virtual int height() const = 0;
  /// Returns the number of frames that each step takes.
  [[nodiscard]] virtual int frame_buffer_size() const = 0;
  /// Runs a step. `out` receives the finished frames.
  virtual StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out) = 0;
  /// Writes the frames in flight of one step to `out`, which is empty if none is left.
  virtual void drain(std::vector<Frame>& out) = 0;
};

/// Runs source, pre-processing, stream, post-processing and sink, each on its own thread, joined by bounded
/// queues. Returns when the source has ended or `stop` has become true. Frames in flight are then finished,
/// and the sink is completed.
///
/// If the source ends with a partly filled frame buffer, the last frame fills it up; its extra results are
/// not shown. A call of `read` that blocks is waited for.
///
/// `on_progress` is called on the calling thread about twenty times a second and once at the end. `processor`
/// and `sink` are each called from one thread other than the caller's.
///
/// The first exception of any stage stops all stages and is rethrown; the sink is then left unfinished.
STREAMDIFFUSION_API PipelineStatistics run_pipeline(
    Source& source, FrameProcessor& processor, Sink& sink, const PipelineOptions& options,
    const std::atomic<bool>& stop, const std::function<void(const PipelineStatistics&)>& on_progress = {});
/// Runs the pipeline on a Stream.
STREAMDIFFUSION_API PipelineStatistics run_pipeline(
    Source& source, Stream& stream, Sink& sink, const PipelineOptions& options, const std::atomic<bool>& stop,
    const std::function<void(const PipelineStatistics&)>& on_progress = {});

}  // namespace streamdiffusion
