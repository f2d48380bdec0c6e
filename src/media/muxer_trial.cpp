#include "media/muxer_trial.h"

namespace streamdiffusion {
namespace {

struct FreeTrial {
  void operator()(AVFormatContext* context) const {
    std::uint8_t* bytes = nullptr;
    if (context->pb != nullptr) avio_close_dyn_buf(context->pb, &bytes);
    av_free(bytes);
    context->pb = nullptr;
    avformat_free_context(context);
  }
};

bool add_stream(AVFormatContext& trial, const AVCodecParameters& parameters, AVRational time_base) {
  AVStream* stream = avformat_new_stream(&trial, nullptr);
  if (stream == nullptr) throw std::bad_alloc();
  stream->time_base = time_base;
  return avcodec_parameters_copy(stream->codecpar, &parameters) >= 0;
}

}  // namespace

bool muxer_takes(const AVFormatContext& output, const AVCodecParameters& stream, AVRational time_base,
                 const ffmpeg::OptionMap& muxer_options) {
  AVFormatContext* context = nullptr;
  if (avformat_alloc_output_context2(&context, output.oformat, nullptr, output.url) < 0)
    throw std::bad_alloc();
  const std::unique_ptr<AVFormatContext, FreeTrial> trial(context);
  for (unsigned i = 0; i < output.nb_streams; ++i) {
    const AVStream& there = *output.streams[i];
    if (!add_stream(*trial, *there.codecpar, there.time_base)) return false;
    trial->streams[i]->avg_frame_rate = there.avg_frame_rate;
  }
  if (!add_stream(*trial, stream, time_base)) return false;
  ffmpeg::check(avio_open_dyn_buf(&trial->pb), "cannot try the container");
  ffmpeg::Options options;
  options.set(muxer_options);
  return avformat_write_header(trial.get(), options.address()) >= 0;
}

}  // namespace streamdiffusion
