#pragma once

#include <deque>
#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Decodes as much as possible of damaged packets that a decoder has refused. It is for intra-only codecs
/// (MJPEG), whose decoders report damage only if they are told to refuse it.
class DamagedPacketDecoder {
 public:
  /// `stream` must outlive the decoder. Errors begin with `what`.
  DamagedPacketDecoder(const AVStream& stream, std::string what);

  /// Keeps a packet that is sent to the other decoder, until its frame comes from either decoder.
  void keep_packet(const AVPacket& packet);
  /// Drops the packet of a frame that the other decoder has returned.
  void drop_packet_of(const AVFrame& frame);
  /// Decodes the packet that the other decoder has just refused. Returns false if nothing of it can be shown.
  bool decode_damaged(AVFrame& frame);

 private:
  const AVStream& stream_;
  std::string what_;
  ffmpeg::Codec decoder_;               ///< Null until a packet is decoded here.
  std::deque<ffmpeg::Packet> waiting_;  ///< The packets kept, oldest first.
};

/// True for decoders that refuse damaged packets. Others conceal the damage and mark the frame.
bool refuses_damage(const AVCodecContext& decoder);

}  // namespace streamdiffusion
