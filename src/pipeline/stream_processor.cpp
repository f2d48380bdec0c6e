#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {
namespace {

class StreamProcessor final : public FrameProcessor {
 public:
  explicit StreamProcessor(Stream& stream) : stream_(stream), frames_(stream) {}

  [[nodiscard]] int width() const override { return stream_.options().width; }
  [[nodiscard]] int height() const override { return stream_.options().height; }
  [[nodiscard]] int frame_buffer_size() const override { return stream_.options().frame_buffer_size; }
  StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out) override {
    return frames_.step(in, out);
  }
  void drain(std::vector<Frame>& out) override { frames_.drain(out); }

 private:
  Stream& stream_;
  FrameStream frames_;
};

}  // namespace

PipelineStatistics run_pipeline(Source& source, Stream& stream, Sink& sink, const PipelineOptions& options,
                                const std::atomic<bool>& stop,
                                const std::function<void(const PipelineStatistics&)>& on_progress) {
  StreamProcessor processor(stream);
  return run_pipeline(source, processor, sink, options, stop, on_progress);
}

}  // namespace streamdiffusion
