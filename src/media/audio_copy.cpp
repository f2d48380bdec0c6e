#include "media/audio_copy.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "media/image_reader.h"
#include "media/medium.h"
#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

double seconds_of(const AVPacket& packet, AVRational time_base) {
  return static_cast<double>(packet.pts) * av_q2d(time_base);
}

/// Warns of `problem`, or throws it as Error if the options are strict.
void warn(const AudioCopy::Options& options, const std::string& problem) {
  if (options.strict) throw MediaError(problem);
  if (options.on_warning) options.on_warning(problem);
}

bool knows_sound(AVFormatContext& input) {
  return std::ranges::all_of(audio_streams(input), [](const AVStream* stream) {
    return stream->codecpar->sample_rate > 0 && stream->codecpar->ch_layout.nb_channels > 0;
  });
}

/// Opens the file. If its sound begins so late that its format is not known, probes up to 100 MB.
ffmpeg::Input open_with_sound(const std::string& file) {
  ffmpeg::Options options;
  ffmpeg::Input input = open_video_input(file, "", options);
  if (knows_sound(*input)) return input;
  ffmpeg::Options far;
  far.set("probesize", "100000000");
  far.set("analyzeduration", "3600000000");  // One hour in microseconds.
  return open_video_input(file, "", far);
}

/// True if an edit list of the input leaves the packet out. It is there for decoders that need it for what
/// follows.
bool is_left_out(const AVPacket& packet) { return (packet.flags & AV_PKT_FLAG_DISCARD) != 0; }

}  // namespace

std::unique_ptr<AudioCopy> AudioCopy::open(const Options& options, AVFormatContext& output) {
  if (output.oformat->audio_codec == AV_CODEC_ID_NONE) return nullptr;
  if (input_medium(options.input, "") == Medium::pipe) {
    warn(options, "the sound of " + input_name(options.input) +
                      " is left out, because a pipe cannot be read twice; name a file to keep it");
    return nullptr;
  }
  if (std::filesystem::is_directory(options.input) || is_image(options.input)) return nullptr;
  ffmpeg::Input input = open_with_sound(options.input);
  std::string reason;
  std::optional<AudioTrack> track =
      choose_audio_track(*input, output, options.muxer_options, options.input, reason);
  if (!track) {
    if (reason.empty()) return nullptr;
    warn(options, reason + "; the video is written without sound");
    return nullptr;
  }
  AVStream* to = avformat_new_stream(&output, nullptr);
  if (to == nullptr) throw std::bad_alloc();
  ffmpeg::check(avcodec_parameters_copy(to->codecpar, track->parameters.get()),
                "cannot copy the audio of " + options.input);
  to->time_base = track->time_base;
  return std::unique_ptr<AudioCopy>(
      new AudioCopy(options, std::move(input), std::move(*track), *output.oformat, to));
}

AudioCopy::AudioCopy(Options options, ffmpeg::Input input, AudioTrack track, const AVOutputFormat& container,
                     AVStream* to)
    : options_(std::move(options)),
      input_(std::move(input)),
      track_(std::move(track)),
      to_(to),
      smallest_step_((container.flags & AVFMT_TS_NONSTRICT) != 0 ? 0 : 1),
      times_(*input_),
      packet_(ffmpeg::make_packet()) {}

void AudioCopy::report(const std::string& problem) {
  if (options_.strict || !std::exchange(warned_, true)) warn(options_, problem);
}

void AudioCopy::start(std::chrono::microseconds first_frame) {
  const AVStream* video = find_video_stream(*input_);
  first_frame_ = first_frame;
  origin_ = first_frame.count() + (video != nullptr ? start_time(*video) : 0);
}

void AudioCopy::copy_until(double seconds, const OnPacket& on_packet) {
  pass_on_until(seconds, on_packet);
  while (ready_.empty() && !ended_) {
    if (read_packet()) {
      pass_on_packet();
    } else {
      end();
    }
    pass_on_until(seconds, on_packet);
  }
  if (ended_ && track_.as_long_as_video) {
    guard_end(
        [&] { track_.transcoder->add_silence(seconds, [this](AVPacket& packet) { queue_packet(packet); }); });
    pass_on_until(seconds, on_packet);
  }
}

void AudioCopy::finish(double seconds, bool whole, const OnPacket& on_packet) {
  if (!track_.as_long_as_video) {
    copy_until(whole ? std::numeric_limits<double>::infinity() : seconds, on_packet);
    return;
  }
  copy_until(seconds, on_packet);
  if (ended_) flush();
  pass_on_until(seconds, on_packet);
  if (!whole || ended_) return;
  // Tracks that are meant to be equally long may differ by a packet, so shorter remainders are ignored.
  constexpr double kNoticed = 0.25;
  copy_until(seconds + kNoticed, [](AVPacket&) {});
  if (!ended_)
    report("the container cannot hold the sound of " + options_.input +
           " that goes on behind the last frame; Matroska (.mkv) can");
}

void AudioCopy::pass_on_until(double seconds, const OnPacket& on_packet) {
  while (!ready_.empty() && seconds_of(*ready_.front(), to_->time_base) < seconds) {
    const ffmpeg::Packet packet = std::move(ready_.front());
    ready_.pop_front();
    on_packet(*packet);
  }
}

/// Reads the next audio packet and counts its times from the first frame. Returns false at the end.
bool AudioCopy::read_packet() {
  while (true) {
    av_packet_unref(packet_.get());
    const int result = av_read_frame(input_.get(), packet_.get());
    if (result == AVERROR_EOF) return false;
    if (result < 0) {
      report("the audio of " + options_.input + " ends early: " + ffmpeg::error_text(result));
      return false;
    }
    times_.correct(*packet_);
    if (packet_->stream_index == track_.from->index && shift_times()) return true;
  }
}

/// Moves the packet's times to count from the first frame. Returns false for packets that end before it. A
/// packet that ends exactly there is kept because the decoder starts from it. Returns false for empty packets
/// too, which decoders take for the end.
bool AudioCopy::shift_times() {
  if (packet_->size == 0) return false;
  if (packet_->pts == AV_NOPTS_VALUE) packet_->pts = packet_->dts;
  if (packet_->pts == AV_NOPTS_VALUE) {
    packet_->pts = next_time_;
  } else {
    packet_->pts -= av_rescale_q(origin_, ffmpeg::kMicroseconds, track_.from->time_base);
  }
  packet_->dts = packet_->pts;
  next_time_ = packet_->pts + packet_->duration;
  if (next_time_ < 0) note_early_sound();
  return next_time_ >= 0;
}

/// Warns of sound before the video's beginning. The sound of leading frames that are not shown or cannot be
/// decoded is no loss, nor is sound that the input's edit list leaves out.
void AudioCopy::note_early_sound() {
  if (is_left_out(*packet_)) return;
  if (std::exchange(looked_for_early_sound_, true)) return;
  // Encoders put silence before the sound. It is 0.14 s long in an MP3 of 8 kHz.
  constexpr double kNoticed = 0.25;  // Seconds of early sound that are worth a warning.
  const double seconds =
      -seconds_of(*packet_, track_.from->time_base) - static_cast<double>(first_frame_.count()) / 1e6;
  if (seconds < kNoticed) return;
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f s", seconds);
  warn(options_, std::string(text) + " of the sound of " + options_.input +
                     " come before the first frame and are left out");
}

void AudioCopy::pass_on_packet() {
  if (!track_.transcoder) {
    // The packet before the beginning stays: players start decoding from it.
    if (!is_left_out(*packet_) || packet_->pts < 0) queue_packet(*packet_);
    return;
  }
  try {
    track_.transcoder->transcode(*packet_, [this](AVPacket& packet) { queue_packet(packet); });
  } catch (const Error& error) {
    report(std::string("some of the sound is lost: ") + error.what());
  }
}

void AudioCopy::end() {
  ended_ = true;
  if (!track_.transcoder) return;
  guard_end([this] { track_.transcoder->end_sound([this](AVPacket& packet) { queue_packet(packet); }); });
  if (!track_.as_long_as_video) flush();
}

void AudioCopy::flush() {
  guard_end([this] { track_.transcoder->flush([this](AVPacket& packet) { queue_packet(packet); }); });
}

void AudioCopy::guard_end(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    report(std::string("the end of the sound is lost: ") + error.what());
  }
}

/// Queues a packet with its times in the output's time base. Times never go back, as containers require.
/// Where the container allows equal times, packets shorter than its tick keep their own times.
void AudioCopy::queue_packet(AVPacket& packet) {
  ffmpeg::Packet kept = ffmpeg::make_packet();
  av_packet_move_ref(kept.get(), &packet);
  av_packet_rescale_ts(kept.get(), track_.time_base, to_->time_base);
  kept->pts = kept->dts = last_time_ = std::max(kept->pts, last_time_ + smallest_step_);
  kept->stream_index = to_->index;
  kept->pos = -1;
  ready_.push_back(std::move(kept));
}

}  // namespace streamdiffusion
