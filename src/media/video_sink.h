#pragma once

#include <chrono>

#include "media/audio_copy.h"
#include "media/ffmpeg.h"
#include "media/temporary_file.h"
#include "media/video_encoder.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Frames into a video file (under a temporary name until it is finished) or standard output.
class VideoSink : public Sink {
 public:
  explicit VideoSink(const SinkOptions& options);
  ~VideoSink() override;
  VideoSink(const VideoSink&) = delete;
  VideoSink& operator=(const VideoSink&) = delete;

  void write(const Frame& frame) override;
  void finish() override;

 private:
  void open_output();
  [[nodiscard]] ffmpeg::OptionMap choose_muxer_options() const;
  void write_header(const ffmpeg::OptionMap& muxer_options);
  void write_packet(AVPacket& packet);
  void write_video_packet(AVPacket& packet);
  void write_audio_until(double seconds);
  void close_output();
  [[nodiscard]] std::int64_t timestamp(const Frame& frame) const;
  [[nodiscard]] double seconds(std::int64_t pts) const;
  [[nodiscard]] std::string what() const;

  struct FreeOutput {
    void operator()(AVFormatContext* context) const;
  };

  SinkOptions options_;
  std::unique_ptr<TemporaryFile> file_;  ///< none: standard output
  std::unique_ptr<AVFormatContext, FreeOutput> output_;
  AVRational frame_rate_;
  AVRational time_base_{};
  std::unique_ptr<VideoEncoder> encoder_;
  std::unique_ptr<AudioCopy> audio_;
  std::int64_t frame_duration_ = 1;  ///< in time_base_
  std::int64_t written_ = 0;
  std::int64_t last_pts_ = -1;
  std::chrono::microseconds first_time_{0};
};

}  // namespace streamdiffusion
