#include "media/video_source.h"

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <utility>

#include "media/container_end.h"
#include "media/flv_codec.h"
#include "media/frame_spacing.h"
#include "media/medium.h"
#include "media/play_count.h"
#include "media/size_and_rate.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr double kDefaultFrameRate = 25;
/// Upper limit of a grid's rate relative to the rate of the frames on it (see plausible_rate).
constexpr double kFinestGrid = 2.55;

std::unique_ptr<PipeInput> open_pipe(const SourceOptions& options) {
  ffmpeg::silence_log();
  if (input_medium(options.input, options.format) != Medium::pipe) return nullptr;
  return std::make_unique<PipeInput>(options.input, options.stop);
}

ffmpeg::Input open(const SourceOptions& options, AVIOContext* pipe, ContainerColours& colours) {
  ffmpeg::Options demuxer_options;
  request_size_and_rate(options, demuxer_options);
  if (options.format == "rawvideo") {
    if (options.width <= 0 || options.height <= 0) throw MediaError("rawvideo needs its width and height");
    demuxer_options.set("pixel_format", options.pixel_format);
    demuxer_options.set("fpsprobesize", "0");  // The rate is given, so frames need not be probed for it.
  }
  demuxer_options.set(options.ffmpeg_options);
  ffmpeg::Input input = open_video_input(options.input, options.format, demuxer_options, pipe, &colours);
  ffmpeg::check_all_taken(demuxer_options.left_of(options.ffmpeg_options), input_name(options.input));
  const std::string untaken = describe_untaken_request(options, demuxer_options);
  if (!untaken.empty() && options.strict) throw MediaError(untaken);
  if (!untaken.empty() && options.on_warning) options.on_warning(untaken);
  return input;
}

/// The libvpx decoder for WebM with alpha, which FFmpeg's own VP8 and VP9 decoders ignore. Null for other
/// streams.
const AVCodec* alpha_decoder(const AVStream& stream) {
  const AVDictionaryEntry* mode = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  if (mode == nullptr || std::string_view(mode->value) != "1") return nullptr;
  const AVCodecID codec = stream.codecpar->codec_id;
  if (codec == AV_CODEC_ID_VP9) return avcodec_find_decoder_by_name("libvpx-vp9");
  return codec == AV_CODEC_ID_VP8 ? avcodec_find_decoder_by_name("libvpx") : nullptr;
}

bool is_mp4(const AVFormatContext& input) { return std::string_view(input.iformat->name).starts_with("mov"); }

/// True if FFmpeg's decoder marks frames with missing parts. That of HEVC does not.
bool marks_damage(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_MPEG2VIDEO || codec == AV_CODEC_ID_MPEG1VIDEO;
}

/// True if decoding can begin at a key frame only. Animated PNGs and GIFs begin with their first frame, which
/// FFmpeg's demuxers do not always mark.
bool needs_key_frame(AVCodecID codec) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec);
  const bool all_are_key = descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY) != 0;
  return !all_are_key && codec != AV_CODEC_ID_APNG && codec != AV_CODEC_ID_GIF;
}

/// True for demuxers that mark packets where the count of an MPEG transport stream jumps. HLS consists of
/// parts of such streams.
bool counts_packets(const AVInputFormat& format) {
  const std::string_view name = format.name;
  return name == "mpegts" || name == "hls";
}

std::int64_t duration_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

std::string seconds_text(std::int64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f s", static_cast<double>(microseconds) / 1e6);
  return text;
}

}  // namespace

VideoSource::VideoSource(const SourceOptions& options)
    : path_(options.input),
      name_(input_name(options.input)),
      stop_(options.stop),
      strict_(options.strict),
      on_warning_(options.on_warning),
      live_pipe_(options.live && input_medium(options.input, options.format) == Medium::pipe),
      pipe_(open_pipe(options)),
      input_(open(options, pipe_ ? pipe_->context() : nullptr, colours_)),
      stream_(find_video_stream(*input_)),
      packet_(ffmpeg::make_packet()),
      decoded_(ffmpeg::make_frame()),
      times_(*input_) {
  if (stream_ == nullptr) throw MediaError(name_ + " holds no video");
  if (!pipe_) check_flv_codec();
  if (!pipe_) check_end();
  const AVCodecParameters& parameters = *stream_->codecpar;
  if (std::int64_t{parameters.width} * parameters.height > ffmpeg::kMaxPixels) {
    throw MediaError(name_ + " states a size of " + std::to_string(parameters.width) + "x" +
                     std::to_string(parameters.height) + ", which is too large");
  }
  constexpr int kThreads = 0;  // FFmpeg chooses.
  decoder_ = ffmpeg::open_decoder(parameters, kThreads, "cannot decode " + name_, alpha_decoder(*stream_));
  decoder_->pkt_timebase = stream_->time_base;
  if (refuses_damage(*decoder_)) damaged_packet_decoder_.emplace(*stream_, "cannot decode " + name_);
  start_ = start_time(*stream_);
  check_dolby_vision();
  fill_info(options);
}

void VideoSource::check_flv_codec() const {
  constexpr unsigned kFirstThatKnows = AV_VERSION_INT(60, 16, 100);  // FFmpeg 6.1
  if (avformat_version() >= kFirstThatKnows) return;
  const std::string codec = enhanced_flv_codec(path_);
  if (codec.empty()) return;
  throw MediaError(
      "cannot read " + name_ + ": its codec is " + codec +
      ", which FFmpeg before 6.1 does not know in FLV; remux it to Matroska or MP4 with a newer one");
}

void VideoSource::check_end() const {
  switch (examine_end(path_)) {
    case ContainerEnd::whole:
      break;
    case ContainerEnd::cut_short:
      report("the video " + name_ + " is cut short: its end is missing; copy or download it again");
      break;
    case ContainerEnd::goes_on:
      report(name_ +
             " goes on with a second recording, which FFmpeg does not read; join recordings with "
             "`ffmpeg -f concat`");
      break;
  }
}

void VideoSource::fill_info(const SourceOptions& options) {
  const AVCodecParameters& parameters = *stream_->codecpar;
  const SquareSize size = square_size(parameters.width, parameters.height, pixel_aspect());
  info_.width = size.width;
  info_.height = size.height;
  if (orientation().transpose) std::swap(info_.width, info_.height);

  const bool can_look = options.format.empty() && std::filesystem::is_regular_file(options.input);
  const FrameSpacing spacing = can_look ? examine_spacing(options) : FrameSpacing{};
  const double mean = av_q2d(stream_->avg_frame_rate);
  const double base = av_q2d(stream_->r_frame_rate);
  const bool mean_differs = mean > 0 && base > 0 && std::abs(mean / base - 1) > 1e-3;
  info_.variable_frame_rate = mean_differs || !spacing.even;
  const double guess = av_q2d(av_guess_frame_rate(input_.get(), stream_, nullptr));
  for (const double rate :
       {plausible_rate(guess, spacing.interval), plausible_rate(mean, 0), kDefaultFrameRate}) {
    if (info_.frame_rate <= 0) info_.frame_rate = rate;
  }

  check_rate(options.frame_rate);
  // In a file without any mark, all frames are given to the decoder.
  key_frame_seen_ = !needs_key_frame(parameters.codec_id) || !spacing.has_key_frames;
  info_.frames = stream_->nb_frames > 0 ? stream_->nb_frames : spacing.frames;
  if (info_.frames == 0 && !info_.variable_frame_rate) {
    info_.frames = std::llround(duration_seconds() * info_.frame_rate);
  }
  if (can_look) info_.plays = play_count(options.input);
  info_.has_audio = !audio_streams(*input_).empty();
}

/// Raw streams may hold a rate of their own, which FFmpeg prefers to the one that it is asked for.
void VideoSource::check_rate(double wanted) const {
  if (wanted <= 0 || !takes_rate(*input_->iformat) || std::abs(info_.frame_rate / wanted - 1) < 1e-3) return;
  char rate[32];
  std::snprintf(rate, sizeof(rate), "%.6g", info_.frame_rate);
  report("the frame rate given for " + name_ + " has no effect: the stream says that it has " + rate +
         " frames a second");
}

/// The duration that the container states; 0 if it states none.
double VideoSource::duration_seconds() const {
  if (stream_->duration != AV_NOPTS_VALUE)
    return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
  return input_->duration != AV_NOPTS_VALUE ? static_cast<double>(input_->duration) / AV_TIME_BASE : 0;
}

AVRational VideoSource::pixel_aspect() const {
  return av_guess_sample_aspect_ratio(input_.get(), stream_, decoded_->width > 0 ? decoded_.get() : nullptr);
}

/// The display matrix of the stream, else of the frame; null if neither has one.
const std::int32_t* VideoSource::matrix() const {
  if (const std::int32_t* of_stream = display_matrix(*stream_)) return of_stream;
  const AVFrameSideData* of_frame = av_frame_get_side_data(decoded_.get(), AV_FRAME_DATA_DISPLAYMATRIX);
  return of_frame != nullptr ? reinterpret_cast<const std::int32_t*>(of_frame->data) : nullptr;
}

Orientation VideoSource::orientation() const {
  const std::int32_t* const given = matrix();
  return given != nullptr ? orientation_from_matrix(given) : Orientation{};
}

std::string VideoSource::where() const { return name_ + " at " + seconds_text(time_); }

void VideoSource::report(const std::string& problem) const {
  if (strict_) throw MediaError(problem);
  if (on_warning_) on_warning_(problem);
}

/// Reports the first damage; check_whole reports their number. `reason` may be empty.
void VideoSource::note_damage(const std::string& reason) {
  if (damages_++ > 0) return;
  report("the video is damaged: " + where() + (reason.empty() ? "" : ": " + reason) +
         "; copy or download it again");
}

void VideoSource::note_error(int code) {
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
  note_damage(ffmpeg::error_text(code));
}

bool VideoSource::read(Frame& frame) {
  if (frames_read_ == 0) first_read_ = Clock::now();
  if (!decode_next()) {
    if (!stopped()) check_whole();
    return false;
  }
  colours_.apply(stream_->index, *decoded_);
  check_decoded_frame();
  try {
    converter_.convert(*decoded_, ffmpeg::default_matrix(decoded_->width, decoded_->height), pixel_aspect(),
                       orientation(), frame);
  } catch (const Error& error) {
    throw MediaError("cannot read " + name_ + ": " + error.what());
  }
  check_colours();
  if (decoded_->best_effort_timestamp != AV_NOPTS_VALUE) {
    time_ = av_rescale_q(decoded_->best_effort_timestamp, stream_->time_base, ffmpeg::kMicroseconds) - start_;
  } else if (frames_read_ > 0) {
    time_ += std::llround(1e6 / info_.frame_rate);
  }
  if (live_pipe_) time_ = std::max(time_, since_first_read());
  check_order();
  last_pts_ = decoded_->best_effort_timestamp;
  last_packet_duration_ = duration_of(*decoded_);
  frame.number = frames_read_++;
  frame.time = std::chrono::microseconds(time_);
  return true;
}

std::chrono::microseconds VideoSource::last_duration() const {
  std::int64_t duration = packet_duration();
  // MP4 stores the end of each track. Its packets' durations are distances of decoding times, which differ
  // from frame durations if frames are reordered.
  if (is_mp4(*input_) && index_is_read() && stream_->nb_frames > 0 && last_pts_ != AV_NOPTS_VALUE) {
    const std::int64_t begin = stream_->start_time == AV_NOPTS_VALUE ? 0 : stream_->start_time;
    duration = std::max<std::int64_t>(0, begin + stream_->duration - last_pts_);
  }
  return std::chrono::microseconds(av_rescale_q(duration, stream_->time_base, ffmpeg::kMicroseconds));
}

/// The duration of the last frame's packet in the stream's time base; 0 if not known.
std::int64_t VideoSource::packet_duration() const {
  // Without a duration in the container, FFmpeg sets one interval of its base rate, which may be only the
  // container's tick.
  const double base = av_q2d(stream_->r_frame_rate);
  const double intervals = static_cast<double>(last_packet_duration_) * av_q2d(stream_->time_base) * base;
  return base > kFinestGrid * info_.frame_rate && intervals < 1.5 ? 0 : last_packet_duration_;
}

/// True if all packets in an MP4's index were read.
bool VideoSource::index_is_read() const { return packets_read_ >= avformat_index_get_entries_count(stream_); }

std::int64_t VideoSource::since_first_read() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - first_read_).count();
}

/// Decodes the next frame into decoded_. Returns false at the end.
bool VideoSource::decode_next() {
  // After an error the decoder may hold further frames. The limit stops decoders that repeat an error
  // forever. It is far above the number of frames that any holds.
  constexpr int kMostErrors = 1000;
  int errors = 0;
  while (!stopped()) {
    const int result = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (result >= 0) {
      if (damaged_packet_decoder_) damaged_packet_decoder_->drop_packet_of(*decoded_);
      return true;
    }
    if (result == AVERROR_EOF) return false;
    if (result != AVERROR(EAGAIN)) {
      note_error(result);
      if (decode_damaged()) return true;
      if (++errors < kMostErrors) continue;
    }
    if (input_ended_) return false;
    errors = 0;
    if (!feed_decoder() && decode_damaged()) return true;
  }
  return false;
}

/// Decodes the packet that the decoder refused into decoded_. Returns false if nothing of it can be shown.
bool VideoSource::decode_damaged() {
  return damaged_packet_decoder_ && damaged_packet_decoder_->decode_damaged(*decoded_);
}

/// Sends the decoder one packet of the video, or its end. Returns false if the decoder refuses it.
bool VideoSource::feed_decoder() {
  while (read_packet()) {
    note_extent(*packet_);
    times_.correct(*packet_);
    other_video_.note_packet(*packet_, *input_, *stream_);
    if (packet_->stream_index != stream_->index) continue;
    ++packets_read_;
    // A packet without data means a repeated frame. Decoders would take it for the end.
    if (packet_->size == 0) continue;
    check_packet(*packet_);
    if (!has_begun(*packet_)) continue;
    if (damaged_packet_decoder_) damaged_packet_decoder_->keep_packet(*packet_);
    return send_packet(packet_.get());
  }
  if (stopped()) return true;
  input_ended_ = true;
  return send_packet(nullptr);
}

/// False for packets before the first key frame, which cannot be decoded: a recording may begin between two
/// key frames.
bool VideoSource::has_begun(const AVPacket& packet) {
  if (key_frame_seen_) return true;
  const std::int64_t time = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (left_out_from_ == AV_NOPTS_VALUE) left_out_from_ = time;
  if ((packet.flags & AV_PKT_FLAG_KEY) == 0) return false;
  key_frame_seen_ = true;
  constexpr std::int64_t kNoticed = 250'000;  // microseconds
  const std::int64_t left_out =
      time == AV_NOPTS_VALUE || left_out_from_ == AV_NOPTS_VALUE
          ? 0
          : av_rescale_q(time - left_out_from_, stream_->time_base, ffmpeg::kMicroseconds);
  if (left_out >= kNoticed) {
    report("the first " + seconds_text(left_out) + " of " + name_ +
           ", image and sound, are left out: they come before the first key frame and cannot be decoded");
  }
  return true;
}

/// Reports packets marked as corrupt. MPEG transport streams count packets, and a jump of the count means
/// lost packets or, harmlessly, a new recording. So for them only gaps in time are reported here; the decoder
/// reports damaged frames.
void VideoSource::check_packet(const AVPacket& packet) {
  const bool in_doubt = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0;
  if (!counts_packets(*input_->iformat) || !marks_damage(stream_->codecpar->codec_id)) {
    if (in_doubt) note_damage({});
    return;
  }
  // The demuxer marks the packet before the jump, and its parser may move the mark by one packet.
  constexpr int kPacketsUntilGap = 3;
  if (in_doubt) packets_in_doubt_ = kPacketsUntilGap;
  if (packets_in_doubt_ > 0 && packet.dts != AV_NOPTS_VALUE && last_decoding_time_ != AV_NOPTS_VALUE) {
    const double step = static_cast<double>(packet.dts - last_decoding_time_) * av_q2d(stream_->time_base);
    if (step * info_.frame_rate > 1.5) {
      note_damage("frames are missing");
      packets_in_doubt_ = 0;
    }
  }
  packets_in_doubt_ = std::max(0, packets_in_doubt_ - 1);
  last_decoding_time_ = packet.dts;
}

/// Reads the next packet of any stream. Returns false at the end, at an error and if stopped.
bool VideoSource::read_packet() {
  av_packet_unref(packet_.get());
  ffmpeg::take_demuxer_error();
  const int result = av_read_frame(input_.get(), packet_.get());
  if (stopped()) return false;  // A packet read while being stopped may be incomplete.
  const std::string skipped = ffmpeg::take_demuxer_error();
  // At the end of a file, check_end knows more: bytes behind the end are an error for FFmpeg.
  if (!skipped.empty() && (result >= 0 || (result == AVERROR_EOF && pipe_))) note_damage(skipped);
  if (result >= 0) return true;
  if (result == AVERROR_EOF) return false;
  if (packets_read_ == 0) fail_to_open(path_, result, input_->iformat);
  report("the video is cut short or damaged: " + where() + ": " + ffmpeg::error_text(result) +
         "; copy or download it again");
  return false;
}

/// Sends a packet, or null for the end, to the decoder. Returns false if the decoder refuses it.
bool VideoSource::send_packet(const AVPacket* packet) {
  const int result = avcodec_send_packet(decoder_.get(), packet);
  if (result < 0) note_error(result);
  return result >= 0;
}

void VideoSource::note_extent(const AVPacket& packet) {
  const std::int64_t begin = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (begin == AV_NOPTS_VALUE) return;
  const AVRational time_base = input_->streams[packet.stream_index]->time_base;
  extent_ = std::max(extent_, av_rescale_q(begin + packet.duration, time_base, ffmpeg::kMicroseconds));
}

void VideoSource::check_colours() {
  const std::string& problem = converter_.colour_problem();
  if (problem.empty() || std::exchange(warned_of_colours_, true)) return;
  report("the video " + name_ + " " + problem);
}

/// Recordings in Matroska or fragmented MP4 that were joined byte by byte restart at their first time.
void VideoSource::check_order() {
  constexpr std::int64_t kNoticed = 500'000;  // microseconds
  if (time_ < latest_ - kNoticed && !std::exchange(went_back_, true)) {
    report(name_ + " goes back to " + seconds_text(time_) + " after " + seconds_text(latest_) +
           ": it seems to be several recordings that were joined byte by byte; join them with "
           "`ffmpeg -f concat`");
  }
  latest_ = std::max(latest_, time_);
}

/// Profile 5 of Dolby Vision has colours of its own; the others can be shown as HDR or SDR.
void VideoSource::check_dolby_vision() const {
  constexpr int kOwnColours = 5;
  const auto* const configuration =
      reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(stream_data(*stream_, AV_PKT_DATA_DOVI_CONF));
  if (configuration == nullptr || configuration->dv_profile != kOwnColours) return;
  report("the video " + name_ +
         " is HDR (Dolby Vision, profile 5), which is read as if it were SDR: its colours are wrong, green "
         "and purple; convert it to SDR first, for example with FFmpeg's filter libplacebo");
}

void VideoSource::check_turn() {
  const std::int32_t* const given = matrix();
  if (frames_read_ > 0 || given == nullptr || is_quarter_turn(given)) return;
  const long degrees = std::lround(360 - av_display_rotation_get(given)) % 360;
  report(name_ + " is to be shown rotated by " + std::to_string(degrees) +
         " degrees clockwise; it is read at the nearest multiple of 90 degrees");
}

void VideoSource::check_decoded_frame() {
  check_turn();
  if (decoded_->decode_error_flags != 0 || (decoded_->flags & AV_FRAME_FLAG_CORRUPT) != 0) note_damage({});
  const std::string matrix = unusual_matrix(*decoded_);
  if (matrix.empty() || matrix == warned_matrix_) return;
  warned_matrix_ = matrix;
  report(unusual_matrix_text(name_, matrix));
}

/// The end that the container states, in microseconds of its clock. Headers (Matroska, MP4, FLV) count the
/// duration from zero. A duration that FFmpeg took from the last packets counts from the first time.
std::int64_t VideoSource::container_end() const {
  const bool from_start = input_->duration_estimation_method == AVFMT_DURATION_FROM_PTS;
  const std::int64_t start = input_->start_time == AV_NOPTS_VALUE ? 0 : input_->start_time;
  return input_->duration + (from_start ? start : 0);
}

void VideoSource::check_other_video() const {
  constexpr double kNoticed = 0.5;  // Seconds. Tracks that belong together differ slightly in length.
  const double seconds = static_cast<double>(other_video_.packets_after_end()) / info_.frame_rate;
  if (seconds < kNoticed) return;
  report(name_ + " goes on for about " + seconds_text(std::llround(1e6 * seconds)) +
         " with another video stream, which is not read; join such recordings with `ffmpeg -f concat`");
}

/// Reports a video that ends early, judged by the index or duration that the container states.
void VideoSource::check_whole() {
  if (frames_read_ == 0) throw MediaError("cannot read " + name_ + " as video: it holds no frame");
  check_other_video();
  if (damages_ > 1) {
    report(name_ + " was damaged in " + std::to_string(damages_) +
           " places; the frames that could be decoded are there");
  }
  const std::string what =
      name_ + " ends after " + seconds_text(time_) + " (" + std::to_string(frames_read_) + " frames)";
  if (is_mp4(*input_) && !index_is_read()) {
    report("the video is cut short: " + what + ", its index lists more; copy or download it again");
    return;
  }
  // A duration computed from the bit rate is only a guess.
  if (input_->duration == AV_NOPTS_VALUE || input_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
    return;
  const std::int64_t extent = std::max(extent_, start_ + time_ + last_duration().count());
  const std::int64_t missing = container_end() - extent;
  const std::int64_t tolerance = 100'000 + std::llround(2e6 / info_.frame_rate);
  if (extent_ > 0 && missing > tolerance) {
    report("the video may be cut short: " + what + ", but its container says that it is " +
           seconds_text(missing) + " longer");
  }
}

}  // namespace streamdiffusion
