#pragma once

#include <map>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The colours that a container states for its video. They count where a decoder says otherwise: FFmpeg's VP8
/// decoders call everything BT.601, and FFmpeg puts a decoder's word into a stream when it probes it.
class ContainerColours {
 public:
  /// Says nothing.
  ContainerColours() = default;
  /// To be made of an input that is opened but not probed yet (avformat_find_stream_info).
  explicit ContainerColours(const AVFormatContext& input);

  /// Puts what the container says of the stream on a decoded picture.
  void apply(int stream, AVFrame& picture) const;

 private:
  struct Colours {
    AVColorRange range;
    AVColorSpace matrix;
    AVColorPrimaries primaries;
    AVColorTransferCharacteristic transfer;
  };
  std::map<int, Colours> of_streams_;
};

}  // namespace streamdiffusion
