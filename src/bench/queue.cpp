#include <atomic>
#include <cstddef>

#include "bench/parts.h"
#include "bench/scene.h"
#include "bench/stopwatch.h"
#include "streamdiffusion/media.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion::bench {

namespace {

constexpr int kQueueSteps = 1;

/// A source that decodes JPEG images, as most cameras deliver them, until its video ends.
class JpegCamera : public Source {
 public:
  static constexpr int kWidth = 1280;
  static constexpr int kHeight = 720;

  explicit JpegCamera(std::int64_t frames) {
    info_ = {.width = kWidth, .height = kHeight, .frame_rate = Scene::kFrameRate, .frames = frames};
    for (const Frame& frame : Scene(kWidth, kHeight, Motion::always).frames(kImages)) {
      images_.push_back(encode_image(frame, "jpeg"));
    }
  }

  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override {
    if (next_ == info_.frames) {
      return false;
    }
    frame = decode_image(images_[static_cast<std::size_t>(next_ % kImages)], kWidth * kHeight);
    frame.number = next_++;
    frame.time = std::chrono::microseconds(frame.number * 1'000'000 / Scene::kFrameRate);
    return true;
  }
  void rewind() { next_ = 0; }

 private:
  static constexpr std::int64_t kImages = 8;
  SourceInfo info_;
  std::vector<std::vector<std::uint8_t>> images_;
  std::int64_t next_ = 0;
};

/// A sink that encodes each frame as JPEG and discards the result.
class JpegSink : public Sink {
 public:
  void write(const Frame& frame) override { encode_image(frame, "jpeg"); }
  void finish() override {}
};

/// A video from the camera through a stream to the sink.
class Video {
 public:
  Video(const Workbench& bench, std::int64_t frames)
      : camera_(frames),
        stream_(bench.model, {.width = bench.width, .height = bench.height}, stream_parameters(kQueueSteps)) {
  }

  /// Returns seconds per frame with all stages on threads of their own.
  double run_queued() {
    camera_.rewind();
    const std::atomic<bool> stop = false;
    last_ = run_pipeline(camera_, stream_, sink_, {}, stop);
    return last_.elapsed_seconds / static_cast<double>(last_.frames_out);
  }

  /// Returns seconds per frame with all stages one after another on this thread.
  double run_in_line() {
    camera_.rewind();
    Frame captured;
    std::vector<Frame> in(1);
    in.front().resize(stream_.options().width, stream_.options().height);
    std::vector<Frame> out;
    FrameStream frames(stream_);
    const Stopwatch watch;
    while (camera_.read(captured)) {
      fit_frame(captured, Fit::crop, in.front());
      frames.step(in, out);
      for (const Frame& frame : out) {
        sink_.write(frame);
      }
    }
    return watch.seconds() / static_cast<double>(camera_.info().frames);
  }

  /// Returns seconds per frame that all stages except the stream took in the last queued run.
  [[nodiscard]] double outside_seconds() const {
    return (last_.source_seconds + last_.preprocess_seconds + last_.postprocess_seconds +
            last_.sink_seconds) /
           static_cast<double>(last_.frames_out);
  }

 private:
  JpegCamera camera_;
  JpegSink sink_;
  Stream stream_;
  PipelineStatistics last_;
};

}  // namespace

Table measure_queue(const Workbench& bench) {
  const Variant step = stream_variant(bench, stream_parameters(kQueueSteps));
  step();
  Video video(bench, frames_for(bench.seconds / 2, step(), 8, 500));
  const std::vector<Spread> times =
      take_turns({[&video] { return video.run_in_line(); }, [&video] { return video.run_queued(); }, step},
                 2 * bench.seconds);
  Table table{.name = "queue",
              .title = "Queues: a 1280x720 JPEG camera, scaled, one step, encoded as JPEG",
              .columns = {{"stages", "stages"},
                          {"milliseconds", "ms a frame (quartiles)", 2},
                          {"frames_per_second", "frames/s"},
                          {"times", "times as fast", 2}},
              .rows = {},
              .notes = {}};
  const std::vector<std::string> names = {"one after the other", "on threads of their own, with queues",
                                          "the stream alone"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    table.rows.push_back({{"stages", names[i]},
                          {"milliseconds", to_json(times[i], 1e3)},
                          {"frames_per_second", 1 / times[i].median},
                          {"times", times.front().median / times[i].median}});
  }
  char note[160];
  std::snprintf(note, sizeof note,
                "With queues the stages but the stream took %.2f ms a frame beside it; its threads compute "
                "on the same processors.",
                video.outside_seconds() * 1e3);
  table.notes.emplace_back(note);
  return table;
}

}  // namespace streamdiffusion::bench
