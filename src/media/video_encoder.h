#pragma once

#include <functional>

#include "media/ffmpeg.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Encodes frames with a video codec. Converts them to the codec's pixel format and tags the colours.
class VideoEncoder {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  /// Chooses the encoder for the container and opens it. `time_base` is that of `pts` and of packets. Throws
  /// Error.
  VideoEncoder(const SinkOptions& options, const AVOutputFormat& container, AVRational time_base,
               AVRational frame_rate);

  void encode(const Frame& frame, std::int64_t pts, const OnPacket& on_packet);
  /// Encodes the frame of the last `encode` again.
  void repeat(std::int64_t pts, const OnPacket& on_packet);
  /// Passes on the remaining packets. Call it after the last frame.
  void flush(const OnPacket& on_packet);

  [[nodiscard]] const AVCodecContext& context() const { return *codec_; }
  /// The options in SinkOptions::ffmpeg_options that the encoder did not take.
  [[nodiscard]] const ffmpeg::OptionMap& options_left() const { return options_left_; }

 private:
  void make_scaler();
  void make_palette();
  void fill_rgb(const Frame& frame);
  void convert();
  void encode_frame(std::int64_t pts, const OnPacket& on_packet);
  AVPictureType frame_type(std::int64_t pts);
  void send(const AVFrame* frame, const OnPacket& on_packet);

  ffmpeg::Codec codec_;
  ffmpeg::OptionMap options_left_;
  std::int64_t key_interval_ = 0;  ///< Ticks of the time base between key frames; 0: the encoder chooses.
  std::int64_t next_key_ = 0;
  ffmpeg::FramePointer rgb_;        ///< The frame at the coded size, padded by repeating its edges.
  ffmpeg::FramePointer converted_;  ///< The frame in the encoder's pixel format.
  ffmpeg::Packet packet_;
  ffmpeg::Scaler scaler_;
  ffmpeg::Graph palette_graph_;  ///< Used by codecs with a palette (GIF).
  AVFilterContext* palette_in_ = nullptr;
  AVFilterContext* palette_out_ = nullptr;
};

}  // namespace streamdiffusion
