#pragma once

#include <functional>
#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Audio packets of one codec to packets of the container's own codec. Gaps become silence and the start is
/// time 0, so that both stay in step.
class AudioTranscoder {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  AudioTranscoder(const AVStream& from, const AVOutputFormat& container, const std::string& name);

  /// A packet with times counted from the first frame, in the input stream's time base.
  void transcode(const AVPacket& packet, const OnPacket& on_packet);
  void flush(const OnPacket& on_packet);
  /// What comes out; its time base is that of the packets.
  [[nodiscard]] const AVCodecContext& encoder() const { return *encoder_; }

 private:
  void make_graph();
  void decode(const AVPacket* packet, const OnPacket& on_packet);
  void filter(AVFrame* samples, const OnPacket& on_packet);
  void encode(const AVFrame* samples, const OnPacket& on_packet);

  std::string name_;
  ffmpeg::Codec decoder_;
  ffmpeg::Codec encoder_;
  ffmpeg::Graph graph_;
  AVFilterContext* graph_in_ = nullptr;
  AVFilterContext* graph_out_ = nullptr;
  ffmpeg::Picture samples_;
  ffmpeg::Picture resampled_;
  ffmpeg::Packet packet_;
};

}  // namespace streamdiffusion
