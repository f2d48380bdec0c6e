#include "media/image_file_sink.h"
#include "media/live_sink.h"
#include "media/medium.h"
#include "media/video_sink.h"
#include "media/window_sink.h"

namespace streamdiffusion {

bool is_live(const SinkOptions& options) {
  const Medium medium = output_medium(options.output, options.format);
  return medium == Medium::device || medium == Medium::address || medium == Medium::window;
}

std::unique_ptr<Sink> open_sink(const SinkOptions& options) {
  if (output_medium(options.output, options.format) == Medium::window) return open_window(options);
  if (is_live(options)) return std::make_unique<LiveSink>(options);
  if (ImageFileSink::accepts(options)) return std::make_unique<ImageFileSink>(options);
  return std::make_unique<VideoSink>(options);
}

}  // namespace streamdiffusion
