#include "media/damaged_packet_decoder.h"

#include <utility>

namespace streamdiffusion {

DamagedPacketDecoder::DamagedPacketDecoder(const AVStream& stream, std::string what)
    : stream_(stream), what_(std::move(what)) {}

void DamagedPacketDecoder::keep_packet(const AVPacket& packet) {
  // Far more packets than a decoder's threads hold.
  constexpr std::size_t kMost = 256;
  if (waiting_.size() == kMost) waiting_.pop_front();
  ffmpeg::Packet& kept = waiting_.emplace_back(ffmpeg::make_packet());
  ffmpeg::check(av_packet_ref(kept.get(), &packet), what_);
}

/// Frames come in the order of packets, and some packets hold no frame.
void DamagedPacketDecoder::drop_packet_of(const AVFrame& frame) {
  while (!waiting_.empty()) {
    const std::int64_t time = waiting_.front()->pts;
    waiting_.pop_front();
    if (time == frame.pts || time == AV_NOPTS_VALUE) return;
  }
}

bool DamagedPacketDecoder::decode_damaged(AVFrame& frame) {
  if (waiting_.empty()) return false;
  const ffmpeg::Packet packet = std::move(waiting_.front());
  waiting_.pop_front();
  if (!decoder_) {
    decoder_ = ffmpeg::open_decoder(*stream_.codecpar, 1, what_);
    decoder_->pkt_timebase = stream_.time_base;
    decoder_->err_recognition = 0;
  }
  return avcodec_send_packet(decoder_.get(), packet.get()) >= 0 &&
         avcodec_receive_frame(decoder_.get(), &frame) >= 0;
}

bool refuses_damage(const AVCodecContext& decoder) { return (decoder.err_recognition & AV_EF_EXPLODE) != 0; }

}  // namespace streamdiffusion
