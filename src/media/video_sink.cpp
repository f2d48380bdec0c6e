#include "media/video_sink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "media/encoder_choice.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// True if the container can hold video. False for MP3, FLAC and similar ones, which hold only a cover image.
bool holds_video(const AVOutputFormat& container) {
  const bool cover_alone =
      container.video_codec == AV_CODEC_ID_PNG && container.audio_codec != AV_CODEC_ID_NONE;
  return container.video_codec != AV_CODEC_ID_NONE && !cover_alone;
}

const AVOutputFormat& choose_container(const SinkOptions& options) {
  const bool pipe = options.output == "-";
  const std::string format = options.format.empty() && pipe ? "matroska" : options.format;
  const AVOutputFormat* container = av_guess_format(
      format.empty() ? nullptr : format.c_str(), format.empty() ? options.output.c_str() : nullptr, nullptr);
  if (container == nullptr && !format.empty()) {
    throw MediaError("this FFmpeg has no output format " + format + " (`ffmpeg -muxers` lists those it has)");
  }
  if (container == nullptr || !holds_video(*container) || (container->flags & AVFMT_NOFILE) != 0 ||
      std::string_view(container->name).starts_with("image2")) {
    throw MediaError("cannot tell what to write to " + options.output +
                     ": give it the extension of a video (.mp4, .mkv, .webm, .gif, ...), of an image (.png, "
                     ".jpg, .webp) or "
                     "a / at its end for a folder of images");
  }
  return *container;
}

/// Converts 29.97... to 30000/1001 and 25.0 to 25/1, even if a container has rounded them.
AVRational exact_rate(double frames_per_second) {
  constexpr double kRounding = 1e-5;
  for (const int divisor : {1000, 1001}) {
    const double thousands = frames_per_second * divisor / 1000;
    const double whole = std::round(thousands);
    if (whole < 1 || std::abs(thousands / whole - 1) > kRounding) continue;
    return divisor == 1000 ? AVRational{static_cast<int>(whole), 1}
                           : AVRational{static_cast<int>(whole) * 1000, 1001};
  }
  constexpr int kLargest = 60'000;  // MPEG-4 allows at most 65535.
  return av_d2q(frames_per_second, kLargest);
}

double checked_rate(double frames_per_second) {
  constexpr double kHighest = 1000;
  if (!(frames_per_second > 0 && frames_per_second <= kHighest)) {
    throw ArgumentError("the frame rate of a video is above 0 and at most 1000");
  }
  return frames_per_second;
}

/// True if the container can show frames at any time.
bool has_free_times(const AVOutputFormat& container) {
  // These lack AVFMT_VARIABLE_FPS, which only describes how the ffmpeg program uses a container.
  constexpr std::array<std::string_view, 12> kOthers = {"mp4", "mov", "ipod", "ismv", "f4v", "psp",
                                                        "3gp", "3g2", "dash", "hls",  "asf", "asf_stream"};
  if (std::ranges::find(kOthers, std::string_view(container.name)) != kOthers.end()) return true;
  return (container.flags & AVFMT_VARIABLE_FPS) != 0 && (container.flags & AVFMT_NOTIMESTAMPS) == 0;
}

/// True for formats of animated images.
bool is_animation(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  return name == "gif" || name == "apng" || name == "webp";
}

FramePlacement::Options spacing_of(const SinkOptions& options) {
  const AVRational rate = exact_rate(checked_rate(options.frame_rate));
  const AVOutputFormat& container = choose_container(options);
  const AVCodec& encoder = choose_video_encoder(options.codec, container);
  return {.frame_rate = nearest_frame_rate(encoder, rate, options.height),
          .by_time = options.variable_frame_rate,
          .fixed_rate = !has_free_times(container) || has_fixed_rate(encoder)};
}

/// The muxer's option for a number of plays; 0 is forever. GIF stores repetitions, and nothing for one play.
std::pair<std::string, int> plays_option(const std::string& container, int plays) {
  if (container == "gif") return {"loop", plays == 0 ? 0 : plays == 1 ? -1 : plays - 1};
  return {container == "apng" ? "plays" : "loop", plays};
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
    : options_(options),
      spacing_(spacing_of(options)),
      placement_(spacing_),
      held_packet_(ffmpeg::make_packet()) {
  ffmpeg::silence_log();
  if (options.width <= 0 || options.height <= 0) throw ArgumentError("a video needs a width and a height");
  if (options.quality > 100) throw ArgumentError("the quality of a video goes from 0 to 100");
  if (options.output != "-") file_ = std::make_unique<TemporaryFile>(options.output);
  add_video();
  open_output();
  const ffmpeg::OptionMap muxer_options = choose_muxer_options();
  add_audio(muxer_options);
  write_header(muxer_options);
  keep_frames_apart();
}

void VideoSink::add_video() {
  const AVOutputFormat& container = choose_container(options_);
  AVFormatContext* context = nullptr;
  const std::string url = file_ ? "file:" + file_->path().string() : "pipe:1";
  ffmpeg::check(avformat_alloc_output_context2(&context, &container, nullptr, url.c_str()), error_prefix());
  output_.reset(context);
  encoder_ = std::make_unique<VideoEncoder>(options_, container, placement_.time_base(), spacing_.frame_rate);
  AVStream* stream = avformat_new_stream(context, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  ffmpeg::check(avcodec_parameters_from_context(stream->codecpar, &encoder_->context()), error_prefix());
  stream->time_base = placement_.time_base();
  stream->avg_frame_rate = spacing_.frame_rate;
  stream->sample_aspect_ratio = {1, 1};
}

void VideoSink::add_audio(const ffmpeg::OptionMap& muxer_options) {
  if (!options_.audio_from) return;
  audio_ = AudioCopy::open({.input = *options_.audio_from,
                            .muxer_options = muxer_options,
                            .strict = options_.strict,
                            .on_warning = options_.on_warning},
                           *output_);
}

VideoSink::~VideoSink() {
  output_.reset();  // Closes the file before it is removed.
}

std::string VideoSink::error_prefix() const {
  return "cannot write " + (file_ ? options_.output : std::string("to standard output"));
}

void VideoSink::open_output() {
  ffmpeg::check(avio_open(&output_->pb, output_->url, AVIO_FLAG_WRITE), error_prefix());
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
  if (options_.plays && is_animation(*output_->oformat)) {
    constexpr int kMost = 65535;
    const auto [key, value] = plays_option(output_->oformat->name, std::clamp(*options_.plays, 0, kMost));
    muxer_options[key] = std::to_string(value);
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
  ffmpeg::check(avformat_write_header(output_.get(), options.address()), error_prefix());
  ffmpeg::check_all_taken(options.left_of(encoder_->options_left()), options_.output);
}

/// Sets the least distance of frames: the container's tick, which is known after the header is written.
void VideoSink::keep_frames_apart() {
  const auto ticks = [this](AVRational time) {
    return std::max<std::int64_t>(1, av_rescale_q_rnd(1, time, placement_.time_base(), AV_ROUND_UP));
  };
  const std::int64_t tick = ticks(output_->streams[0]->time_base);
  // Browsers and FFmpeg show GIF frames of up to 10 ms for 100 ms.
  if (std::string_view(output_->oformat->name) == "gif") {
    placement_.set_gaps(1, ticks({20, 1000}));
  } else {
    placement_.set_gaps(tick, tick);
  }
}

void VideoSink::report(const std::string& problem) const {
  if (options_.strict) throw MediaError(problem);
  if (options_.on_warning) options_.on_warning(problem);
}

double VideoSink::seconds(std::int64_t pts) const {
  return static_cast<double>(pts) * av_q2d(placement_.time_base());
}

void VideoSink::write(const Frame& frame) {
  if (frame.width != options_.width || frame.height != options_.height || frame.empty()) {
    throw ArgumentError(error_prefix() + ": a frame of " + std::to_string(frame.width) + "x" +
                        std::to_string(frame.height) + " came for a video of " +
                        std::to_string(options_.width) + "x" + std::to_string(options_.height));
  }
  if (last_pts_ < 0) {
    first_time_ = frame.time;
    if (audio_) audio_->start(frame.time);
  }
  const std::optional<std::int64_t> pts =
      placement_.place_frame(std::chrono::duration_cast<std::chrono::microseconds>(frame.time - first_time_));
  if (!pts) return;
  if (spacing_.fixed_rate) repeat_until(*pts);
  encode_frame(*pts, &frame);
}

/// Repeats the last frame up to `pts`, for frames that last longer than the frame interval.
void VideoSink::repeat_until(std::int64_t pts) {
  while (last_pts_ >= 0 && last_pts_ + 1 < pts) encode_frame(last_pts_ + 1, nullptr);
}

/// Encodes `frame`, or the last frame again if null, at `pts`, and writes the sound up to there.
void VideoSink::encode_frame(std::int64_t pts, const Frame* frame) {
  last_pts_ = pts;
  const auto on_packet = [this](AVPacket& packet) { hold_video_packet(packet); };
  if (frame != nullptr) {
    encoder_->encode(*frame, pts, on_packet);
  } else {
    encoder_->repeat(pts, on_packet);
  }
  write_audio_until(seconds(pts));
}

void VideoSink::write_audio_until(double seconds) {
  if (audio_) audio_->copy_until(seconds, [this](AVPacket& packet) { write_audio_packet(packet); });
}

/// Writes an audio packet. One that the muxer refuses is skipped, so that sound never ends the video. A full
/// disk does.
void VideoSink::write_audio_packet(AVPacket& packet) {
  const int result = av_interleaved_write_frame(output_.get(), &packet);
  ffmpeg::check(output_->pb->error, error_prefix());
  if (result < 0) audio_->report(error_prefix() + " with all of its sound: " + ffmpeg::error_text(result));
}

/// Holds the packet back until the next one comes, because the last packet needs an exact duration. With low
/// latency it is written at once.
void VideoSink::hold_video_packet(AVPacket& packet) {
  if (first_decoding_time_ == AV_NOPTS_VALUE) first_decoding_time_ = packet.dts;
  packet.duration = placement_.frame_interval();
  write_held_packet();
  av_packet_move_ref(held_packet_.get(), &packet);
  if (options_.low_latency) write_held_packet();
}

/// Writes the last packet in decoding order with a duration up to the video's end. MP4 adds up packets'
/// durations in that order, in which the last frame may not be the last.
void VideoSink::write_last_packet() {
  AVPacket& packet = *held_packet_;
  const std::int64_t decoded_until = packet.dts - first_decoding_time_;
  packet.duration = std::max(packet.duration, end_ - std::max(packet.pts, decoded_until));
  write_held_packet();
}

void VideoSink::write_held_packet() {
  AVPacket& packet = *held_packet_;
  if (packet.data == nullptr) return;
  if (end_ >= 0 && packet.pts == last_pts_) packet.duration = end_ - last_pts_;
  packet.stream_index = 0;
  av_packet_rescale_ts(&packet, placement_.time_base(), output_->streams[0]->time_base);
  ffmpeg::check(av_interleaved_write_frame(output_.get(), &packet), error_prefix());
  if (output_->pb->error < 0) ffmpeg::check(output_->pb->error, error_prefix());
}

void VideoSink::note_source_end(std::chrono::microseconds last_duration) {
  source_ended_ = true;
  if (last_duration.count() > 0) placement_.set_last_duration(last_duration);
}

void VideoSink::finish() {
  if (last_pts_ < 0) throw MediaError(error_prefix() + ": no frame came");
  if (placement_.simultaneous_frames() > 0) {
    report(std::to_string(placement_.simultaneous_frames()) +
           " frames came at the time of another and are missing in " + options_.output);
  }
  if (placement_.close_frames() > 0) {
    report(std::to_string(placement_.close_frames()) + " frames are missing in " + options_.output +
           ", because players slow down a GIF of more than 50 frames a second; APNG and WebP hold them");
  }
  end_ = placement_.end();
  if (spacing_.fixed_rate) repeat_until(end_);
  encoder_->flush([this](AVPacket& packet) { hold_video_packet(packet); });
  write_last_packet();
  end_last_frame();
  if (audio_) {
    audio_->finish(seconds(end_), source_ended_, [this](AVPacket& packet) { write_audio_packet(packet); });
  }
  ffmpeg::check(av_write_trailer(output_.get()), error_prefix());
  close_output();
  if (file_) file_->commit();
}

/// Sets the last frame's duration by an option for GIF and APNG, whose muxers ignore the last packet's.
void VideoSink::end_last_frame() {
  const std::string_view name = output_->oformat->name;
  if (name != "gif" && name != "apng") return;
  constexpr int kLargest = 65535;  // GIF's delay and both parts of APNG's fraction have 16 bits.
  const AVRational tick = output_->streams[0]->time_base;
  const std::int64_t ticks = av_rescale_q(end_, placement_.time_base(), tick) -
                             av_rescale_q(last_pts_, placement_.time_base(), tick);
  const AVRational delay = av_d2q(static_cast<double>(ticks) * av_q2d(tick), kLargest);
  const int result = name == "gif" ? av_opt_set_int(output_->priv_data, "final_delay",
                                                    std::clamp<std::int64_t>(ticks, 0, kLargest), 0)
                                   : av_opt_set_q(output_->priv_data, "final_delay", delay, 0);
  ffmpeg::check(result, error_prefix());
}

void VideoSink::close_output() {
  avio_flush(output_->pb);
  const int error = output_->pb->error;
  const int closed = avio_closep(&output_->pb);
  ffmpeg::check(error, error_prefix());
  ffmpeg::check(closed, error_prefix());
}

}  // namespace streamdiffusion
