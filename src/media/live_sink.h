#pragma once

#include "media/interrupt.h"
#include "media/video_encoder.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Sends frames to an address or a virtual camera, each as soon as it is written and with its own time.
class LiveSink : public Sink {
 public:
  /// Connects. Throws Error.
  explicit LiveSink(const SinkOptions& options);
  ~LiveSink() override;
  LiveSink(const LiveSink&) = delete;
  LiveSink& operator=(const LiveSink&) = delete;

  void write(const Frame& frame) override;
  void finish() override;

 private:
  void connect();
  void send(AVPacket& packet);
  int check(int result) const;

  struct FreeOutput {
    void operator()(AVFormatContext* context) const;
  };

  SinkOptions options_;
  Interrupt interrupt_;
  std::unique_ptr<AVFormatContext, FreeOutput> output_;
  std::unique_ptr<VideoEncoder> encoder_;
  std::chrono::microseconds first_time_{0};
  std::int64_t last_pts_ = -1;
};

}  // namespace streamdiffusion
