#include "media/picture_sink.h"
#include "media/video_sink.h"

namespace streamdiffusion {

std::unique_ptr<Sink> open_sink(const SinkOptions& options) {
  if (PictureSink::takes(options)) return std::make_unique<PictureSink>(options);
  return std::make_unique<VideoSink>(options);
}

}  // namespace streamdiffusion
