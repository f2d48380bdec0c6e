#include "media/video_input.h"

#include <array>
#include <filesystem>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

bool is_standard_input(const std::string& input) { return input == "-"; }

const AVInputFormat* named_format(const std::string& format) {
  if (format.empty()) return nullptr;
  const AVInputFormat* found = av_find_input_format(format.c_str());
  if (found == nullptr) {
    throw MediaError("this FFmpeg has no input format " + format +
                     " (`ffmpeg -demuxers` lists those it has)");
  }
  return found;
}

/// True for text formats that FFmpeg renders as video.
bool is_text_art(const AVInputFormat& format) {
  constexpr std::array<std::string_view, 5> kNames = {"tty", "bin", "xbin", "idf", "adf"};
  for (const std::string_view name : kNames) {
    if (name == format.name) return true;
  }
  return false;
}

}  // namespace

std::string input_name(const std::string& input) {
  return is_standard_input(input) ? "standard input" : input;
}

void fail_to_open(const std::string& input, int code, const AVInputFormat* format) {
  const std::string reason = ffmpeg::error_text(code);
  const bool index_missing = reason.find("moov atom not found") != std::string::npos;
  const bool is_mp4 =
      index_missing || (format != nullptr && std::string_view(format->name).starts_with("mov"));
  if (is_standard_input(input) && is_mp4) {
    throw MediaError(
        "cannot read standard input: this MP4 has its index at the end, which a pipe cannot reach (" +
        reason + "); name the file instead, or write it with `ffmpeg -movflags +faststart` or as Matroska");
  }
  if (index_missing) {
    throw MediaError("cannot read " + input + ": its index is missing (" + reason +
                     "); the file is cut short or was never finished");
  }
  throw MediaError("cannot read " + input_name(input) + " as video: " + reason);
}

ffmpeg::Input open_video_input(const std::string& input, const std::string& format, ffmpeg::Options& options,
                               AVIOContext* pipe, ContainerColours* colours) {
  if (pipe == nullptr && !std::filesystem::exists(input)) throw MediaError("there is no input " + input);
  const std::string url = pipe != nullptr ? "" : "file:" + input;
  const AVInputFormat* wanted = named_format(format);
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = pipe;
  const int opened = avformat_open_input(&context, url.c_str(), wanted, options.address());
  if (opened < 0) fail_to_open(input, opened, wanted);
  ffmpeg::Input owner(context);
  if (is_text_art(*context->iformat)) throw MediaError(input + " is a text file, not a video");
  if (colours != nullptr) *colours = ContainerColours(*context);
  const int found = avformat_find_stream_info(context, nullptr);
  if (found < 0) fail_to_open(input, found, context->iformat);
  return owner;
}

AVStream* find_video_stream(AVFormatContext& input) {
  AVStream* best = nullptr;
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    AVStream* stream = input.streams[i];
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
    if ((stream->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) continue;
    const bool is_default = (stream->disposition & AV_DISPOSITION_DEFAULT) != 0;
    const bool best_is_default = best != nullptr && (best->disposition & AV_DISPOSITION_DEFAULT) != 0;
    if (best == nullptr || (is_default && !best_is_default)) best = stream;
  }
  return best;
}

std::vector<AVStream*> audio_streams(AVFormatContext& input) {
  std::vector<AVStream*> streams;
  const int best = av_find_best_stream(&input, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (best >= 0) streams.push_back(input.streams[best]);
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const bool is_audio = input.streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (is_audio && static_cast<int>(i) != best) streams.push_back(input.streams[i]);
  }
  return streams;
}

std::int64_t start_time(const AVStream& stream) {
  return stream.start_time == AV_NOPTS_VALUE
             ? 0
             : av_rescale_q(stream.start_time, stream.time_base, {1, 1'000'000});
}

const std::uint8_t* stream_data(const AVStream& stream, AVPacketSideDataType kind) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data, kind);
  return data != nullptr ? data->data : nullptr;
#else
  return av_stream_get_side_data(&stream, kind, nullptr);
#endif
}

const std::int32_t* display_matrix(const AVStream& stream) {
  return reinterpret_cast<const std::int32_t*>(stream_data(stream, AV_PKT_DATA_DISPLAYMATRIX));
}

}  // namespace streamdiffusion
