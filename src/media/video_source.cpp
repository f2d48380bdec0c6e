#include "media/video_source.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include "media/frame_geometry.h"
#include "media/medium.h"
#include "media/size_and_rate.h"
#include "media/video_checks.h"
#include "media/video_info.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::unique_ptr<PipeInput> open_pipe(const SourceOptions& options) {
  ffmpeg::silence_log();
  if (input_medium(options.input, options.format) != Medium::pipe) return nullptr;
  return std::make_unique<PipeInput>(options.input, options.stop);
}

ffmpeg::Input open(const SourceOptions& options, AVIOContext* pipe, ContainerColours& colours,
                   const ProblemReport& problems) {
  ffmpeg::Options demuxer_options;
  request_size_and_rate(options, demuxer_options);
  if (options.format == "rawvideo") {
    if (options.width <= 0 || options.height <= 0) throw MediaError("rawvideo needs its width and height");
    demuxer_options.set("pixel_format", options.pixel_format);
    demuxer_options.set("fpsprobesize", "0");  // The rate is given, so frames need not be probed for it.
  }
  demuxer_options.set(options.ffmpeg_options);
  ffmpeg::Input input = open_video_input(options.input, options.format, demuxer_options, pipe, &colours);
  ffmpeg::check_all_taken(demuxer_options.left_of(options.ffmpeg_options), problems.name());
  const std::string untaken = describe_untaken_request(options, demuxer_options);
  if (!untaken.empty()) problems.report(untaken);
  return input;
}

/// Finds the video stream, and checks that it can be read. `path` is empty unless the input is a file.
AVStream* find_stream(AVFormatContext& input, const std::filesystem::path& path,
                      const ProblemReport& problems) {
  AVStream* const stream = find_video_stream(input);
  if (stream == nullptr) throw MediaError(problems.name() + " holds no video");
  if (!path.empty()) check_file(path, problems);
  check_size(*stream, problems);
  return stream;
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

std::string decoding_error(const ProblemReport& problems) { return "cannot decode " + problems.name(); }

ffmpeg::Codec open_decoder(const AVStream& stream, const ProblemReport& problems) {
  constexpr int kThreads = 0;  // FFmpeg chooses.
  ffmpeg::Codec decoder =
      ffmpeg::open_decoder(*stream.codecpar, kThreads, decoding_error(problems), alpha_decoder(stream));
  decoder->pkt_timebase = stream.time_base;
  return decoder;
}

}  // namespace

VideoSource::VideoSource(const SourceOptions& options)
    : path_(options.input),
      problems_(options),
      stop_(options.stop),
      pipe_(open_pipe(options)),
      input_(open(options, pipe_ ? pipe_->context() : nullptr, colours_, problems_)),
      stream_(find_stream(*input_, pipe_ ? "" : options.input, problems_)),
      decoder_(open_decoder(*stream_, problems_)),
      spacing_(can_examine_spacing(options) ? examine_spacing(options) : FrameSpacing{}),
      packet_(ffmpeg::make_packet()),
      decoded_(ffmpeg::make_frame()),
      times_(*input_),
      clock_(*stream_, options.live && pipe_),
      key_frame_wait_(*stream_, spacing_.has_key_frames),
      packet_damage_(*input_, *stream_),
      length_(*input_, *stream_) {
  if (refuses_damage(*decoder_)) {
    damaged_packet_decoder_.emplace(*stream_, decoding_error(problems_));
  }
  check_dolby_vision(*stream_, problems_);
  info_ = describe_video(*input_, *stream_, options, spacing_);
  check_rate(options.frame_rate, info_.frame_rate, *input_->iformat, problems_);
}

std::string VideoSource::name_and_time() const {
  return problems_.name() + " at " + seconds_text(clock_.now());
}

/// Reports the first damage; check_whole reports their number. `reason` may be empty.
void VideoSource::note_damage(const std::string& reason) {
  if (damages_++ > 0) return;
  problems_.report("the video is damaged: " + name_and_time() + (reason.empty() ? "" : ": " + reason) +
                   "; copy or download it again");
}

void VideoSource::note_error(int code) {
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
  note_damage(ffmpeg::error_text(code));
}

bool VideoSource::read(Frame& frame) {
  if (frames_read_ == 0) clock_.start_waiting();
  if (!decode_next()) {
    if (!stopped()) check_whole();
    return false;
  }
  colours_.apply(stream_->index, *decoded_);
  check_decoded_frame();
  convert_frame(frame);
  clock_.advance(*decoded_, info_.frame_rate);
  clock_.check_order(problems_);
  frame.number = frames_read_++;
  frame.time = std::chrono::microseconds(clock_.now());
  return true;
}

std::chrono::microseconds VideoSource::last_duration() const {
  const bool ends_with_track = length_.has_read_mp4() && stream_->nb_frames > 0;
  return clock_.last_duration(info_.frame_rate, ends_with_track);
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
    length_.note_packet(*packet_);
    times_.correct(*packet_);
    other_video_.note_packet(*packet_, *input_, *stream_);
    if (packet_->stream_index != stream_->index) continue;
    // A packet without data means a repeated frame. Decoders would take it for the end.
    if (packet_->size == 0) continue;
    check_packet(*packet_);
    if (!key_frame_wait_.has_begun(*packet_, problems_)) continue;
    if (damaged_packet_decoder_) damaged_packet_decoder_->keep_packet(*packet_);
    return send_packet(packet_.get());
  }
  if (stopped()) return true;
  input_ended_ = true;
  return send_packet(nullptr);
}

void VideoSource::check_packet(const AVPacket& packet) {
  std::string reason;
  if (packet_damage_.find(packet, info_.frame_rate, reason)) note_damage(reason);
}

/// Reads the next packet of any stream. Returns false at the end, at an error and if stopped.
bool VideoSource::read_packet() {
  av_packet_unref(packet_.get());
  ffmpeg::take_demuxer_error();
  const int result = av_read_frame(input_.get(), packet_.get());
  if (stopped()) return false;  // A packet read while being stopped may be incomplete.
  const std::string skipped = ffmpeg::take_demuxer_error();
  // At the end of a file, check_file knows more: bytes behind the end are an error for FFmpeg.
  if (!skipped.empty() && (result >= 0 || (result == AVERROR_EOF && pipe_))) note_damage(skipped);
  if (result >= 0) return true;
  if (result == AVERROR_EOF) return false;
  if (length_.packets() == 0) fail_to_open(path_, result, input_->iformat);
  problems_.report("the video is cut short or damaged: " + name_and_time() + ": " +
                   ffmpeg::error_text(result) + "; copy or download it again");
  return false;
}

/// Sends a packet, or null for the end, to the decoder. Returns false if the decoder refuses it.
bool VideoSource::send_packet(const AVPacket* packet) {
  const int result = avcodec_send_packet(decoder_.get(), packet);
  if (result < 0) note_error(result);
  return result >= 0;
}

void VideoSource::check_decoded_frame() {
  if (frames_read_ == 0) check_turn(*stream_, *decoded_, problems_);
  if (decoded_->decode_error_flags != 0 || (decoded_->flags & AV_FRAME_FLAG_CORRUPT) != 0) note_damage({});
  const std::string matrix = unusual_matrix(*decoded_);
  if (matrix.empty() || matrix == warned_matrix_) return;
  warned_matrix_ = matrix;
  problems_.report(unusual_matrix_text(problems_.name(), matrix));
}

/// Converts decoded_. Reports colours that differ from those that the frame is tagged with, once.
void VideoSource::convert_frame(Frame& frame) {
  try {
    converter_.convert(*decoded_, ffmpeg::default_matrix(decoded_->width, decoded_->height),
                       pixel_aspect(*input_, *stream_, *decoded_), shown_orientation(*stream_, *decoded_),
                       frame);
  } catch (const Error& error) {
    throw MediaError("cannot read " + problems_.name() + ": " + error.what());
  }
  const std::string& problem = converter_.colour_problem();
  if (problem.empty() || std::exchange(warned_of_colours_, true)) return;
  problems_.report("the video " + problems_.name() + " " + problem);
}

/// Reports at the end of the input what is missing or damaged.
void VideoSource::check_whole() {
  const std::string& name = problems_.name();
  if (frames_read_ == 0) throw MediaError("cannot read " + name + " as video: it holds no frame");
  other_video_.check_end(info_.frame_rate, problems_);
  if (damages_ > 1) {
    problems_.report(name + " was damaged in " + std::to_string(damages_) +
                     " places; the frames that could be decoded are there");
  }
  length_.check({.count = frames_read_,
                 .last_time = clock_.now(),
                 .end = clock_.start() + clock_.now() + last_duration().count(),
                 .rate = info_.frame_rate},
                problems_);
}

}  // namespace streamdiffusion
