#pragma once

#include <functional>
#include <string>

#include "media/audio_encoder.h"
#include "media/audio_resampler.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Audio packets of one codec to packets of another. Gaps become silence and the start is time 0, so that
/// both stay in step.
class AudioTranscoder {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  /// `what` begins errors. Throws Error where the sound cannot be decoded or `encoder` cannot take it.
  AudioTranscoder(const AVStream& from, const AVCodec& encoder, const AVOutputFormat& container,
                  const SoundWish& wish, const std::string& what);

  /// Takes a packet with times counted from the first frame, in the input stream's time base. Throws Error
  /// for a damaged packet; later ones may follow.
  void transcode(const AVPacket& packet, const OnPacket& on_packet);
  /// Gives what the decoder still holds. Silence alone may follow.
  void end_sound(const OnPacket& on_packet);
  /// Adds silence up to `seconds` after the first frame.
  void add_silence(double seconds, const OnPacket& on_packet);
  /// Gives what the encoder still holds. Nothing may follow.
  void flush(const OnPacket& on_packet);
  /// What comes out; its time base is that of the packets.
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
  ffmpeg::Picture samples_;
  ffmpeg::Packet packet_;
  std::int64_t next_time_ = AV_NOPTS_VALUE;  ///< where the last samples end, in the input stream's time base
};

}  // namespace streamdiffusion
