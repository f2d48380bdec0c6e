#pragma once

#include <chrono>

#include "media/audio_copy.h"
#include "media/ffmpeg.h"
#include "media/frame_placement.h"
#include "media/temporary_file.h"
#include "media/video_encoder.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Writes frames to a video file, under a temporary name until it is finished, or to standard output.
class VideoSink : public Sink {
 public:
  explicit VideoSink(const SinkOptions& options);
  ~VideoSink() override;
  VideoSink(const VideoSink&) = delete;
  VideoSink& operator=(const VideoSink&) = delete;

  void write(const Frame& frame) override;
  void note_source_end(std::chrono::microseconds last_duration) override;
  void finish() override;

 private:
  void add_video();
  void add_audio(const ffmpeg::OptionMap& muxer_options);
  void open_output();
  [[nodiscard]] ffmpeg::OptionMap choose_muxer_options() const;
  void write_header(const ffmpeg::OptionMap& muxer_options);
  void keep_frames_apart();
  void report(const std::string& problem) const;
  void end_last_frame();
  void repeat_until(std::int64_t pts);
  void encode_frame(std::int64_t pts, const Frame* frame);
  void hold_video_packet(AVPacket& packet);
  void write_held_packet();
  void write_last_packet();
  void write_audio_until(double seconds);
  void write_audio_packet(AVPacket& packet);
  void close_output();
  [[nodiscard]] double seconds(std::int64_t pts) const;
  /// Begins the messages of errors: "cannot write FILE".
  [[nodiscard]] std::string error_prefix() const;

  struct FreeOutput {
    void operator()(AVFormatContext* context) const;
  };

  SinkOptions options_;
  std::unique_ptr<TemporaryFile> file_;  ///< Null: standard output.
  std::unique_ptr<AVFormatContext, FreeOutput> output_;
  FramePlacement::Options spacing_;
  FramePlacement placement_;
  std::unique_ptr<VideoEncoder> encoder_;
  ffmpeg::Packet held_packet_;  ///< The last video packet (see hold_video_packet); empty: none.
  std::int64_t first_decoding_time_ = AV_NOPTS_VALUE;  ///< Decoding time of the first video packet.
  std::unique_ptr<AudioCopy> audio_;
  std::int64_t last_pts_ = -1;
  std::int64_t end_ = -1;  ///< End of the last frame; -1: not known yet.
  bool source_ended_ = false;
  std::chrono::microseconds first_time_{0};
};

}  // namespace streamdiffusion
