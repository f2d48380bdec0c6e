#include "media/audio_track.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "media/muxer_trial.h"
#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Codecs to try if a container's usual one cannot be used, the most widely supported first.
constexpr std::array kOtherCodecs = {AV_CODEC_ID_AAC,    AV_CODEC_ID_OPUS,      AV_CODEC_ID_MP3,
                                     AV_CODEC_ID_VORBIS, AV_CODEC_ID_AC3,       AV_CODEC_ID_MP2,
                                     AV_CODEC_ID_FLAC,   AV_CODEC_ID_PCM_S16LE, AV_CODEC_ID_PCM_S16BE};

/// True for containers whose muxers cut the longer track at the end of the shorter one.
bool ends_with_shortest_track(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  return name.starts_with("mxf") || name == "gxf" || name == "dv";
}

/// True for Ogg, whose demuxer has one name and whose muxers have one for each usual extension.
bool is_ogg(std::string_view name) { return name == "ogg" || name == "ogv" || name == "oga"; }

/// True for containers that play sound without gaps from the video's beginning, whatever its times are.
bool ignores_times_of_sound(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  return name == "avi" || is_ogg(name) || ends_with_shortest_track(container);
}

/// True if FFmpeg's demuxer and muxer of these names are for one container.
bool are_one_container(std::string_view demuxer, std::string_view muxer) {
  return demuxer == muxer || (is_ogg(demuxer) && is_ogg(muxer));
}

/// True for lossless codecs. Transcoding to the same codec then loses no quality.
bool is_lossless(AVCodecID codec) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(codec);
  return descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_LOSSLESS) != 0 &&
         (descriptor->props & AV_CODEC_PROP_LOSSY) == 0;
}

/// True for codecs whose packets differ in size. AVI's demuxer gives them the block size of their header all
/// the same, and its muxer would take it for the size of each packet and count times by it.
bool has_packets_of_any_size(AVCodecID codec) {
  constexpr std::array kCodecs = {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3,  AV_CODEC_ID_MP2,
                                  AV_CODEC_ID_AC3, AV_CODEC_ID_EAC3, AV_CODEC_ID_DTS};
  return std::ranges::find(kCodecs, codec) != kCodecs.end();
}

/// Sets the parameters that muxers compute the times of copied packets from. Bit rates in headers do not
/// always fit the size of the codec's blocks.
void correct_packet_length(AVCodecParameters& parameters) {
  if (has_packets_of_any_size(parameters.codec_id)) {
    parameters.block_align = 0;
  } else if (parameters.frame_size == 0 && parameters.block_align > 0) {
    const int samples = av_get_audio_frame_duration2(&parameters, parameters.block_align);
    if (samples > 1) parameters.frame_size = samples;  // PCM has one sample in a block, and needs none.
  }
}

class TrackMaker {
 public:
  TrackMaker(AVStream& from, const AVInputFormat& input, const AVFormatContext& output,
             const ffmpeg::OptionMap& muxer_options, const std::string& name)
      : from_(from),
        input_(input),
        output_(output),
        muxer_options_(muxer_options),
        what_("cannot transcode the audio of " + name) {}

  std::optional<AudioTrack> make(std::string& reason) const {
    if (std::optional<AudioTrack> track = copied_track()) return track;
    if (is_lossless(from_.codecpar->codec_id) && may_hold(from_.codecpar->codec_id)) {
      std::string ignored;
      if (std::optional<AudioTrack> track = transcoded_track(from_.codecpar->codec_id, ignored)) return track;
    }
    if (std::optional<AudioTrack> track = transcoded_track(output_.oformat->audio_codec, reason))
      return track;
    for (const AVCodecID codec : kOtherCodecs) {
      if (!may_hold(codec)) continue;
      if (std::optional<AudioTrack> track = transcoded_track(codec, reason)) return track;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] bool may_hold(AVCodecID codec) const {
    const AVOutputFormat& container = *output_.oformat;
    // FLV can only mark 16-bit PCM as being in the machine's byte order, so players would turn it into noise.
    if (codec == AV_CODEC_ID_PCM_S16BE && std::string_view(container.name) == "flv") return false;
    // avformat_query_codec does not know the codecs that Matroska holds under their Windows names.
    return avformat_query_codec(&container, codec, FF_COMPLIANCE_NORMAL) == 1 ||
           av_codec_get_tag(container.codec_tag, codec) != 0;
  }

  [[nodiscard]] bool muxer_takes(const AudioTrack& track) const {
    return streamdiffusion::muxer_takes(output_, *track.parameters, track.time_base, muxer_options_);
  }

  /// True if a copy could lose a late beginning or gaps. Sound from the same container type has none.
  [[nodiscard]] bool copy_may_lose_times() const {
    if (ends_with_shortest_track(*output_.oformat)) return true;  // Copies cannot add silence.
    return ignores_times_of_sound(*output_.oformat) && !are_one_container(input_.name, output_.oformat->name);
  }

  [[nodiscard]] std::optional<AudioTrack> copied_track() const {
    if (copy_may_lose_times() || !may_hold(from_.codecpar->codec_id)) return std::nullopt;
    AudioTrack track{&from_, ffmpeg::make_parameters(), from_.time_base, nullptr};
    ffmpeg::check(avcodec_parameters_copy(track.parameters.get(), from_.codecpar), what_);
    track.parameters->codec_tag = 0;  // The tag belongs to the input's container.
    correct_packet_length(*track.parameters);
    if (!muxer_takes(track)) return std::nullopt;
    return track;
  }

  /// Transcodes to `codec`. Keeps a `reason` that is set already: the first one is about the usual codec.
  std::optional<AudioTrack> transcoded_track(AVCodecID codec, std::string& reason) const {
    const auto note = [&](const std::string& text) {
      if (reason.empty()) reason = text;
    };
    const AVCodec* encoder = avcodec_find_encoder(codec);
    if (encoder == nullptr) {
      note(what_ + ": this FFmpeg has no encoder for " + avcodec_get_name(codec) +
           " (`ffmpeg -encoders` lists those it has)");
      return std::nullopt;
    }
    // Broadcast containers take only 48 kHz, and either mono or stereo.
    constexpr std::array<RequestedSoundFormat, 4> kRequestedFormats = {
        {{}, {48'000, 0}, {48'000, 2}, {48'000, 1}}};
    for (const RequestedSoundFormat& requested : kRequestedFormats) {
      try {
        AudioTrack track = transcoded_track(*encoder, requested);
        if (muxer_takes(track)) return track;
        note(what_ + ": the container " + output_.oformat->name + " does not take it as " + encoder->name);
      } catch (const Error& error) {
        note(error.what());
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] AudioTrack transcoded_track(const AVCodec& encoder,
                                            const RequestedSoundFormat& requested) const {
    AudioTrack track{&from_, ffmpeg::make_parameters(), {}, nullptr};
    track.transcoder = std::make_unique<AudioTranscoder>(from_, encoder, *output_.oformat, requested, what_);
    track.time_base = track.transcoder->encoder().time_base;
    track.as_long_as_video = ends_with_shortest_track(*output_.oformat);
    ffmpeg::check(avcodec_parameters_from_context(track.parameters.get(), &track.transcoder->encoder()),
                  what_);
    return track;
  }

  AVStream& from_;
  const AVInputFormat& input_;
  const AVFormatContext& output_;
  const ffmpeg::OptionMap& muxer_options_;
  std::string what_;
};

}  // namespace

std::optional<AudioTrack> choose_audio_track(AVFormatContext& input, const AVFormatContext& output,
                                             const ffmpeg::OptionMap& muxer_options, const std::string& name,
                                             std::string& reason) {
  for (AVStream* stream : audio_streams(input)) {
    std::optional<AudioTrack> track =
        TrackMaker(*stream, *input.iformat, output, muxer_options, name).make(reason);
    if (track) return track;
  }
  return std::nullopt;
}

}  // namespace streamdiffusion
