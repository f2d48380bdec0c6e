#pragma once

#include <map>
#include <string>
#include <vector>

#include "media/video_input.h"

namespace streamdiffusion::tests {

/// The properties that a video file states.
struct VideoFacts {
  std::string codec;
  int width = 0;
  int height = 0;
  AVRational rate{};
  AVRational base_rate{};
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  std::map<std::string, std::string> tags;
};

/// Reads the facts of a file.
inline VideoFacts facts_of(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const AVStream& stream = *find_video_stream(*input);
  const AVCodecParameters& parameters = *stream.codecpar;
  VideoFacts facts{avcodec_get_name(parameters.codec_id),
                   parameters.width,
                   parameters.height,
                   stream.avg_frame_rate,
                   stream.r_frame_rate,
                   parameters.color_space,
                   parameters.color_range,
                   {}};
  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(input->metadata, "", tag, AV_DICT_IGNORE_SUFFIX)) != nullptr)
    facts.tags[tag->key] = tag->value;
  return facts;
}

/// Returns the durations of a video's packets in seconds.
inline std::vector<double> packet_durations(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const double tick = av_q2d(find_video_stream(*input)->time_base);
  std::vector<double> durations;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    durations.push_back(static_cast<double>(packet->duration) * tick);
    av_packet_unref(packet.get());
  }
  return durations;
}

}  // namespace streamdiffusion::tests
