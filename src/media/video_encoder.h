#pragma once

#include <functional>

#include "media/ffmpeg.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Frames to packets of a video codec: converted, tagged with what they were converted to.
class VideoEncoder {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  /// Chooses the encoder for the container and opens it. Packets have `time_base()`. Throws Error.
  VideoEncoder(const SinkOptions& options, const AVOutputFormat& container, AVRational time_base,
               AVRational frame_rate);

  void encode(const Frame& frame, std::int64_t pts, const OnPacket& on_packet);
  /// The frame of the last `encode` once more.
  void repeat(std::int64_t pts, const OnPacket& on_packet);
  /// After the last frame.
  void flush(const OnPacket& on_packet);

  [[nodiscard]] const AVCodecContext& context() const { return *codec_; }
  /// Of SinkOptions::ffmpeg_options, those that are not the encoder's.
  [[nodiscard]] const ffmpeg::OptionMap& options_left() const { return options_left_; }

 private:
  void make_scaler();
  void make_palette();
  void fill_rgb(const Frame& frame);
  void convert();
  void encode_picture(std::int64_t pts, const OnPacket& on_packet);
  AVPictureType picture_type(std::int64_t pts);
  void send(const AVFrame* picture, const OnPacket& on_packet);

  ffmpeg::Codec codec_;
  ffmpeg::OptionMap options_left_;
  std::int64_t key_interval_ = 0;  ///< in time_base; 0: the encoder's
  std::int64_t next_key_ = 0;
  ffmpeg::Picture rgb_;      ///< of the coded size, edges repeated
  ffmpeg::Picture picture_;  ///< what the encoder takes
  ffmpeg::Packet packet_;
  ffmpeg::Scaler scaler_;
  ffmpeg::Graph palette_graph_;  ///< for codecs with a palette (GIF)
  AVFilterContext* palette_in_ = nullptr;
  AVFilterContext* palette_out_ = nullptr;
};

}  // namespace streamdiffusion
