#pragma once

#include <deque>
#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Decodes the damaged packets that a decoder has refused, as far as that goes. It is for codecs whose frames
/// stand alone (MJPEG): their decoders tell of damage only where they are asked to refuse it.
class PictureMender {
 public:
  /// `stream` outlives the mender. `what` begins errors.
  PictureMender(const AVStream& stream, std::string what);

  /// Keeps a packet that the other decoder was given, until it is decoded or mended.
  void keep(const AVPacket& packet);
  /// Says that the other decoder has given a picture.
  void forget(const AVFrame& picture);
  /// Decodes the packet that the other decoder has just refused. Returns false where nothing of it can be
  /// shown.
  bool mend(AVFrame& picture);

 private:
  const AVStream& stream_;
  std::string what_;
  ffmpeg::Codec decoder_;               ///< none: nothing had to be mended yet
  std::deque<ffmpeg::Packet> waiting_;  ///< in the order in which they were given
};

/// True for decoders that refuse damage; others mend by themselves and mark the frame.
bool refuses_damage(const AVCodecContext& decoder);

}  // namespace streamdiffusion
