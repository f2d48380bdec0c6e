#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "media/container_colours.h"
#include "media/continuous_times.h"
#include "media/damaged_packet_decoder.h"
#include "media/frame_clock.h"
#include "media/frame_converter.h"
#include "media/frame_spacing.h"
#include "media/key_frame_wait.h"
#include "media/other_video.h"
#include "media/packet_damage.h"
#include "media/pipe_input.h"
#include "media/problem_report.h"
#include "media/video_input.h"
#include "media/video_length.h"
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
  bool decode_next();
  bool decode_damaged();
  bool feed_decoder();
  bool read_packet();
  bool send_packet(const AVPacket* packet);
  void check_packet(const AVPacket& packet);
  void check_decoded_frame();
  void convert_frame(Frame& frame);
  void check_whole();
  void note_damage(const std::string& reason);
  void note_error(int code);
  [[nodiscard]] bool stopped() const { return stop_ != nullptr && *stop_; }
  /// Where in the video an error is, for messages.
  [[nodiscard]] std::string name_and_time() const;

  std::string path_;  ///< The file's path or "-".
  ProblemReport problems_;
  const std::atomic<bool>* stop_;
  std::unique_ptr<PipeInput> pipe_;  ///< Null: the input is a file.
  ContainerColours colours_;
  ffmpeg::Input input_;
  AVStream* stream_;
  ffmpeg::Codec decoder_;
  FrameSpacing spacing_;
  std::optional<DamagedPacketDecoder> damaged_packet_decoder_;
  ffmpeg::Packet packet_;
  ffmpeg::FramePointer decoded_;
  FrameConverter converter_;
  ContinuousTimes times_;
  FrameClock clock_;
  KeyFrameWait key_frame_wait_;
  PacketDamage packet_damage_;
  VideoLength length_;
  OtherVideo other_video_;
  SourceInfo info_;
  std::int64_t frames_read_ = 0;
  bool input_ended_ = false;  ///< True once the decoder was told of the end.
  std::int64_t damages_ = 0;
  std::string warned_matrix_;
  bool warned_of_colours_ = false;
};

}  // namespace streamdiffusion
