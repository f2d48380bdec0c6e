#pragma once

#include <map>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The colour properties that a container states for its streams. They override the decoder's, because
/// FFmpeg's VP8 decoders report BT.601 for everything. Probing overwrites the container's values, so they
/// must be read before it.
class ContainerColours {
 public:
  /// States nothing.
  ContainerColours() = default;
  /// Reads the colours of an input that is open but not probed yet (avformat_find_stream_info).
  explicit ContainerColours(const AVFormatContext& input);

  /// Sets the properties that the container states for the stream on a decoded frame.
  void apply(int stream, AVFrame& frame) const;

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
