#pragma once

#include <optional>

#include "media/container_colours.h"
#include "media/continuous_times.h"
#include "media/damaged_packet_decoder.h"
#include "media/frame_converter.h"
#include "media/orientation.h"
#include "media/other_video.h"
#include "media/pipe_input.h"
#include "media/video_input.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Reads the frames of a video file or pipe with FFmpeg's demuxers and decoders.
class VideoSource : public Source {
 public:
  explicit VideoSource(const SourceOptions& options);
  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override;
  [[nodiscard]] std::chrono::microseconds last_duration() const override;

 private:
  using Clock = std::chrono::steady_clock;

  void check_flv_codec() const;
  void check_end() const;
  void check_rate(double wanted) const;
  void fill_info(const SourceOptions& options);
  bool decode_next();
  bool decode_damaged();
  bool feed_decoder();
  bool read_packet();
  bool send_packet(const AVPacket* packet);
  void note_extent(const AVPacket& packet);
  void check_packet(const AVPacket& packet);
  void note_damage(const std::string& reason);
  void note_error(int code);
  bool has_begun(const AVPacket& packet);
  void check_order();
  void check_colours();
  void check_dolby_vision() const;
  void check_turn();
  void check_decoded_frame();
  [[nodiscard]] std::int64_t container_end() const;
  void check_other_video() const;
  void check_whole();
  void report(const std::string& problem) const;
  [[nodiscard]] bool stopped() const { return stop_ != nullptr && *stop_; }
  [[nodiscard]] std::int64_t since_first_read() const;
  [[nodiscard]] bool index_is_read() const;
  [[nodiscard]] std::int64_t packet_duration() const;
  [[nodiscard]] double duration_seconds() const;
  [[nodiscard]] std::string where() const;
  [[nodiscard]] AVRational pixel_aspect() const;
  [[nodiscard]] const std::int32_t* matrix() const;
  [[nodiscard]] Orientation orientation() const;

  std::string path_;  ///< The file's path or "-".
  std::string name_;  ///< The name in messages.
  const std::atomic<bool>* stop_;
  bool strict_;
  std::function<void(const std::string&)> on_warning_;
  bool live_pipe_;                   ///< True for a pipe with SourceOptions::live.
  std::unique_ptr<PipeInput> pipe_;  ///< Null: the input is a file.
  ContainerColours colours_;
  ffmpeg::Input input_;
  AVStream* stream_ = nullptr;
  ffmpeg::Codec decoder_;
  std::optional<DamagedPacketDecoder> damaged_packet_decoder_;
  ffmpeg::Packet packet_;
  ffmpeg::FramePointer decoded_;
  FrameConverter converter_;
  ContinuousTimes times_;
  OtherVideo other_video_;
  SourceInfo info_;
  std::int64_t frames_read_ = 0;
  std::int64_t packets_read_ = 0;
  std::int64_t start_ = 0;                  ///< Start time in microseconds of the container's clock.
  std::int64_t time_ = 0;                   ///< Time of the last frame in microseconds since start_.
  std::int64_t last_pts_ = AV_NOPTS_VALUE;  ///< Time of the last frame, in the stream's time base.
  std::int64_t last_packet_duration_ = 0;   ///< Duration of the last frame in that time base; 0: not known.
  std::int64_t extent_ = 0;  ///< End of all streams' packets, in microseconds of the container's clock.
  std::int64_t last_decoding_time_ = AV_NOPTS_VALUE;  ///< That of the last packet, in the stream's time base.
  int packets_in_doubt_ = 0;                          ///< See check_packet.
  std::int64_t latest_ = 0;                           ///< Largest time_ so far.
  bool went_back_ = false;
  bool key_frame_seen_ = false;                  ///< Also true if decoding needs none.
  std::int64_t left_out_from_ = AV_NOPTS_VALUE;  ///< Time of the first packet, in the stream's time base.
  bool input_ended_ = false;                     ///< True once the decoder was told of the end.
  std::int64_t damages_ = 0;
  std::string warned_matrix_;
  bool warned_of_colours_ = false;
  Clock::time_point first_read_;
};

}  // namespace streamdiffusion
