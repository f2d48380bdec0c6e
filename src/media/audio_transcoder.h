#pragma once

#include <functional>
#include <string>

#include "media/audio_encoder.h"
#include "media/audio_resampler.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Transcodes audio packets to another codec. The output begins at time 0 and gaps become silence, so the
/// sound stays in step with the video.
class AudioTranscoder {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  /// Errors begin with `what`. Throws Error if the sound cannot be decoded or `encoder` cannot take it.
  AudioTranscoder(const AVStream& from, const AVCodec& encoder, const AVOutputFormat& container,
                  const RequestedSoundFormat& requested, const std::string& what);

  /// Transcodes a packet. Its times count from the first frame, in the input stream's time base. Throws Error
  /// for a damaged packet; later ones may follow.
  void transcode(const AVPacket& packet, const OnPacket& on_packet);
  /// Passes on the sound that the decoder still holds. Only silence may follow.
  void end_sound(const OnPacket& on_packet);
  /// Adds silence up to `seconds` after the first frame.
  void add_silence(double seconds, const OnPacket& on_packet);
  /// Passes on the packets that the encoder still holds. Nothing may follow.
  void flush(const OnPacket& on_packet);
  /// The encoder, whose time base is that of the output packets.
  [[nodiscard]] const AVCodecContext& encoder() const { return *encoder_; }

 private:
  void decode(const AVPacket* packet, const OnPacket& on_packet);
  void receive(const OnPacket& on_packet);
  void set_time();
  void encode(const AVFrame* samples, const OnPacket& on_packet);

  std::string what_;
  ffmpeg::Codec decoder_;
  ffmpeg::Codec encoder_;
  AudioResampler resampler_;
  ffmpeg::FramePointer samples_;
  ffmpeg::Packet packet_;
  std::int64_t next_time_ = AV_NOPTS_VALUE;  ///< End of the last samples, in the input stream's time base.
};

}  // namespace streamdiffusion
