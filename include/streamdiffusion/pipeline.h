#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "streamdiffusion/frame.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

struct PipelineOptions {
  /// Live: the newest frame wins, older ones are dropped and counted; where none has come for one and a half
  /// frame intervals the last input is stepped again, under its number and that moment's time, never faster
  /// than the source. A source that could be read faster (a file) is read at the pace of its times. Offline:
  /// nothing is dropped, as many frames come out as went in, output k has the number and time of input k and
  /// shows it, or the result before where the filter skipped it.
  bool live = false;
  Fit fit = Fit::crop;
  int queue_capacity = 4;  ///< frames between two stages
  /// Called on the stream's thread before each step: the place to change the stream's parameters.
  std::function<void()> before_step = nullptr;
};

/// Counts since the start; seconds are sums over all frames.
struct PipelineStatistics {
  std::int64_t frames_in = 0;
  std::int64_t frames_out = 0;
  std::int64_t dropped =
      0;  ///< live: older frames that a newer one replaced; frames not begun when `stop` came
  std::int64_t skipped = 0;  ///< by the similarity filter
  std::int64_t reused = 0;   ///< live: steps on the last input because none had come
  double source_seconds = 0;
  double preprocess_seconds = 0;
  double stream_seconds = 0;
  double postprocess_seconds = 0;
  double sink_seconds = 0;
  double elapsed_seconds = 0;
  double fps = 0;  ///< frames out a second, over the last seconds
};

/// What the pipeline needs of a stream: a Stream, or in tests something that computes nothing.
class FrameProcessor {
 public:
  virtual ~FrameProcessor() = default;
  [[nodiscard]] virtual int width() const = 0;
  [[nodiscard]] virtual int height() const = 0;
  [[nodiscard]] virtual int frame_buffer_size() const = 0;
  virtual StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out) = 0;
  virtual void drain(std::vector<Frame>& out) = 0;
};

/// Runs source, pre-processing, stream, post-processing and sink, each on its own thread, joined by bounded
/// queues, until the source ends or `stop` becomes true; what is in flight is finished and the sink
/// completed. A frame buffer that the source's end leaves half full is filled up with the last frame; what
/// comes of that is not shown.
///
/// `on_progress` is called on the calling thread about twenty times a second and once at the end. An
/// exception of any stage stops all, leaves the sink unfinished and is thrown here: the first one, when there
/// are several. A source that waits inside `read` is waited for. `processor` and `sink` are each called from
/// one thread other than the caller's.
PipelineStatistics run_pipeline(Source& source, FrameProcessor& processor, Sink& sink,
                                const PipelineOptions& options, const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress = {});
PipelineStatistics run_pipeline(Source& source, Stream& stream, Sink& sink, const PipelineOptions& options,
                                const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress = {});

}  // namespace streamdiffusion
