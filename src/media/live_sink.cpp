#include "media/live_sink.h"

#include <algorithm>
#include <cmath>

#include "media/medium.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

// A connection that does not respond within these times is lost.
constexpr std::chrono::seconds kConnecting{10};
constexpr std::chrono::seconds kWriting{10};
constexpr std::chrono::milliseconds kGivingUp{500};

constexpr AVRational kTimeBase{1, 1000};  // FLV stores milliseconds.

/// The usual container format of a URL scheme.
const char* usual_format(const std::string& scheme) {
  if (scheme.starts_with("rtmp")) return "flv";
  return scheme == "rtsp" ? "rtsp" : "mpegts";
}

const AVOutputFormat& choose_format(const SinkOptions& options) {
  const bool device = output_medium(options.output, options.format) == Medium::device;
  std::string name = options.format;
  if (name.empty()) name = device ? "v4l2" : usual_format(scheme_of(options.output));
  const AVOutputFormat* format =
      device ? find_output_device(name) : av_guess_format(name.c_str(), nullptr, nullptr);
  if (format == nullptr)
    throw MediaError("this FFmpeg has no output format " + name + " (`ffmpeg -muxers` lists those it has)");
  if (format->video_codec == AV_CODEC_ID_NONE)
    throw MediaError("the output format " + name + " holds no video");
  return *format;
}

}  // namespace

void LiveSink::FreeOutput::operator()(AVFormatContext* context) const {
  if (context->pb != nullptr) avio_closep(&context->pb);
  avformat_free_context(context);
}

LiveSink::LiveSink(const SinkOptions& options) : options_(options), interrupt_(nullptr) {
  ffmpeg::silence_log();
  if (options.width <= 0 || options.height <= 0) throw ArgumentError("a video needs a width and a height");
  options_.low_latency = true;
  const AVOutputFormat& format = choose_format(options);
  AVFormatContext* context = nullptr;
  check(avformat_alloc_output_context2(&context, &format, nullptr, options.output.c_str()));
  output_.reset(context);
  context->interrupt_callback = interrupt_.callback();
  context->flags |= AVFMT_FLAG_FLUSH_PACKETS;
  const AVRational frame_rate = av_d2q(std::clamp(options.frame_rate, 1.0, 240.0), 1'001'000);
  encoder_ = std::make_unique<VideoEncoder>(options_, format, kTimeBase, frame_rate);
  AVStream* stream = avformat_new_stream(context, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  check(avcodec_parameters_from_context(stream->codecpar, &encoder_->context()));
  stream->time_base = kTimeBase;
  stream->avg_frame_rate = frame_rate;
  interrupt_.set_timeout(kConnecting);
  connect();
}

LiveSink::~LiveSink() {
  interrupt_.set_timeout(kGivingUp);
  output_.reset();
}

void LiveSink::connect() {
  ffmpeg::Options options;
  // Receivers expect complete transport stream packets in each datagram: 7 of 188 bytes.
  if (scheme_of(options_.output) == "udp") options.set("pkt_size", "1316");
  options.set(encoder_->options_left());
  if ((output_->oformat->flags & AVFMT_NOFILE) == 0) {
    check(avio_open2(&output_->pb, options_.output.c_str(), AVIO_FLAG_WRITE, &output_->interrupt_callback,
                     options.address()));
  }
  check(avformat_write_header(output_.get(), options.address()));
  ffmpeg::check_all_taken(options.left_of(encoder_->options_left()), options_.output);
}

int LiveSink::check(int result) const {
  if (result < 0 && interrupt_.time_is_up())
    throw MediaError("cannot write to " + options_.output + ": it accepted no data in time");
  return ffmpeg::check(result, "cannot write to " + options_.output);
}

void LiveSink::write(const Frame& frame) {
  if (frame.width != options_.width || frame.height != options_.height || frame.empty()) {
    throw ArgumentError("cannot write to " + options_.output + ": a frame of another size came");
  }
  if (last_pts_ < 0) first_time_ = frame.time;
  const std::int64_t since_first =
      std::chrono::duration_cast<std::chrono::milliseconds>(frame.time - first_time_).count();
  last_pts_ = std::max(since_first, last_pts_ + 1);
  interrupt_.set_timeout(kWriting);
  encoder_->encode(frame, last_pts_, [this](AVPacket& packet) { send(packet); });
}

void LiveSink::send(AVPacket& packet) {
  packet.stream_index = 0;
  av_packet_rescale_ts(&packet, kTimeBase, output_->streams[0]->time_base);
  check(av_write_frame(output_.get(), &packet));
  if (output_->pb != nullptr) check(output_->pb->error);
}

void LiveSink::finish() {
  interrupt_.set_timeout(kWriting);
  encoder_->flush([this](AVPacket& packet) { send(packet); });
  check(av_write_trailer(output_.get()));
  if (output_->pb != nullptr) check(avio_closep(&output_->pb));
}

}  // namespace streamdiffusion
