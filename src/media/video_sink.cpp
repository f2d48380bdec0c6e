#include "media/video_sink.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

const AVOutputFormat& choose_container(const SinkOptions& options) {
  const bool pipe = options.output == "-";
  const std::string format = options.format.empty() && pipe ? "matroska" : options.format;
  const AVOutputFormat* container = av_guess_format(
      format.empty() ? nullptr : format.c_str(), format.empty() ? options.output.c_str() : nullptr, nullptr);
  if (container == nullptr && !format.empty()) {
    throw Error("this FFmpeg has no output format " + format + " (`ffmpeg -muxers` lists those it has)");
  }
  if (container == nullptr || container->video_codec == AV_CODEC_ID_NONE ||
      (container->flags & AVFMT_NOFILE) != 0 || std::string_view(container->name).starts_with("image2")) {
    throw Error("cannot tell what to write to " + options.output +
                ": give it the extension of a video (.mp4, .mkv, .webm, .gif, ...), of a picture (.png, "
                ".jpg, .webp) or "
                "a / at its end for a folder of pictures");
  }
  return *container;
}

/// 29.97... is 30000/1001 and 25.0 is 25/1, also where a container has rounded them.
AVRational exact_rate(double frames_per_second) {
  constexpr double kRounding = 1e-5;
  for (const int divisor : {1000, 1001}) {
    const double thousands = frames_per_second * divisor / 1000;
    const double whole = std::round(thousands);
    if (whole < 1 || std::abs(thousands / whole - 1) > kRounding) continue;
    return divisor == 1000 ? AVRational{static_cast<int>(whole), 1}
                           : AVRational{static_cast<int>(whole) * 1000, 1001};
  }
  constexpr int kLargest = 1'001'000;
  return av_d2q(frames_per_second, kLargest);
}

double checked_rate(double frames_per_second) {
  constexpr double kHighest = 1000;
  if (!(frames_per_second > 0 && frames_per_second <= kHighest)) {
    throw Error("the frame rate of a video is above 0 and at most 1000");
  }
  return frames_per_second;
}

/// Fine enough for frames at any time, and the finest that MPEG-4 (at most 65535 a second) takes of those in
/// use.
constexpr AVRational kFineTimeBase{1, 60'000};

/// Whether frames may come at any time; elsewhere they fall on multiples of the frame interval.
bool keeps_times(const AVOutputFormat& container) {
  return (container.flags & AVFMT_NOTIMESTAMPS) == 0 && std::string_view(container.name) != "avi";
}

bool is_mp4(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  return name == "mp4" || name == "mov" || name == "ipod";
}

bool is_matroska(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  return name == "matroska" || name == "webm";
}

}  // namespace

void VideoSink::FreeOutput::operator()(AVFormatContext* context) const {
  if (context->pb != nullptr) avio_closep(&context->pb);
  avformat_free_context(context);
}

VideoSink::VideoSink(const SinkOptions& options)
    : options_(options), frame_rate_(exact_rate(checked_rate(options.frame_rate))) {
  ffmpeg::quieten();
  if (options.width <= 0 || options.height <= 0) throw Error("a video needs a width and a height");
  if (options.quality > 100) throw Error("the quality of a video goes from 0 to 100");
  const AVOutputFormat& container = choose_container(options);
  time_base_ = options.variable_frame_rate && keeps_times(container) ? kFineTimeBase : av_inv_q(frame_rate_);
  frame_duration_ = std::max<std::int64_t>(1, av_rescale_q(1, av_inv_q(frame_rate_), time_base_));
  if (options.output != "-") file_ = std::make_unique<TemporaryFile>(options.output);

  AVFormatContext* context = nullptr;
  const std::string url = file_ ? "file:" + file_->path().string() : "pipe:1";
  ffmpeg::check(avformat_alloc_output_context2(&context, &container, nullptr, url.c_str()), what());
  output_.reset(context);
  encoder_ = std::make_unique<VideoEncoder>(options, container, time_base_, frame_rate_);
  AVStream* stream = avformat_new_stream(context, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  ffmpeg::check(avcodec_parameters_from_context(stream->codecpar, &encoder_->context()), what());
  stream->time_base = time_base_;
  stream->avg_frame_rate = frame_rate_;
  stream->sample_aspect_ratio = {1, 1};
  open_output();
  const ffmpeg::OptionMap muxer_options = choose_muxer_options();
  if (options.audio_from) {
    audio_ = AudioCopy::open({.input = *options.audio_from,
                              .muxer_options = muxer_options,
                              .strict = options.strict,
                              .on_warning = options.on_warning},
                             *context);
  }
  write_header(muxer_options);
}

VideoSink::~VideoSink() {
  output_.reset();  // before the file is removed
}

std::string VideoSink::what() const {
  return "cannot write " + (file_ ? options_.output : std::string("to standard output"));
}

void VideoSink::open_output() {
  ffmpeg::check(avio_open(&output_->pb, output_->url, AVIO_FLAG_WRITE), what());
}

ffmpeg::OptionMap VideoSink::choose_muxer_options() const {
  ffmpeg::OptionMap muxer_options;
  if (is_mp4(*output_->oformat)) {
    const bool seekable = (output_->pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
    muxer_options["movflags"] = seekable ? "+faststart+use_metadata_tags"
                                         : "+frag_keyframe+empty_moov+default_base_moof+use_metadata_tags";
  }
  if (options_.low_latency && is_matroska(*output_->oformat)) {
    muxer_options.emplace("cluster_time_limit", "0");
  }
  for (const auto& [key, value] : encoder_->options_left()) muxer_options[key] = value;
  return muxer_options;
}

void VideoSink::write_header(const ffmpeg::OptionMap& muxer_options) {
  for (const auto& [key, value] : options_.metadata)
    av_dict_set(&output_->metadata, key.c_str(), value.c_str(), 0);
  if (options_.low_latency) output_->flags |= AVFMT_FLAG_FLUSH_PACKETS;
  ffmpeg::Options options;
  options.set(muxer_options);
  ffmpeg::check(avformat_write_header(output_.get(), options.address()), what());
  ffmpeg::check_all_taken(options.left_of(encoder_->options_left()), options_.output);
}

double VideoSink::seconds(std::int64_t pts) const { return static_cast<double>(pts) * av_q2d(time_base_); }

std::int64_t VideoSink::timestamp(const Frame& frame) const {
  if (!options_.variable_frame_rate) return written_;
  const std::int64_t since_first = (frame.time - first_time_).count();
  return std::max(av_rescale_q(since_first, {1, 1'000'000}, time_base_), last_pts_ + 1);
}

void VideoSink::write(const Frame& frame) {
  if (frame.width != options_.width || frame.height != options_.height || frame.empty()) {
    throw Error(what() + ": a frame of " + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                " came for a video of " + std::to_string(options_.width) + "x" +
                std::to_string(options_.height));
  }
  if (written_ == 0) {
    first_time_ = frame.time;
    if (audio_) audio_->start(frame.time);
  }
  last_pts_ = timestamp(frame);
  ++written_;
  encoder_->encode(frame, last_pts_, [this](AVPacket& packet) { write_video_packet(packet); });
  if (audio_) write_audio_until(seconds(last_pts_));
}

/// A packet that the muxer refuses is left out: sound never ends the video. A full disk does.
void VideoSink::write_audio_until(double seconds) {
  audio_->copy_until(seconds, [this](AVPacket& packet) {
    const int result = av_interleaved_write_frame(output_.get(), &packet);
    ffmpeg::check(output_->pb->error, what());
    if (result < 0) audio_->report(what() + " with all of its sound: " + ffmpeg::error_text(result));
  });
}

void VideoSink::write_video_packet(AVPacket& packet) {
  const AVStream& stream = *output_->streams[0];
  if (packet.duration == 0) packet.duration = frame_duration_;
  packet.stream_index = 0;
  av_packet_rescale_ts(&packet, time_base_, stream.time_base);
  write_packet(packet);
}

void VideoSink::write_packet(AVPacket& packet) {
  ffmpeg::check(av_interleaved_write_frame(output_.get(), &packet), what());
  if (output_->pb->error < 0) ffmpeg::check(output_->pb->error, what());
}

void VideoSink::finish() {
  if (written_ == 0) throw Error(what() + ": no frame came");
  encoder_->flush([this](AVPacket& packet) { write_video_packet(packet); });
  const double end = seconds(last_pts_ + frame_duration_);
  if (audio_) write_audio_until(end);
  ffmpeg::check(av_write_trailer(output_.get()), what());
  close_output();
  if (file_) file_->commit();
}

void VideoSink::close_output() {
  avio_flush(output_->pb);
  const int error = output_->pb->error;
  const int closed = avio_closep(&output_->pb);
  ffmpeg::check(error, what());
  ffmpeg::check(closed, what());
}

}  // namespace streamdiffusion
