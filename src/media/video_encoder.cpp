#include "media/video_encoder.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/round_up.h"
#include "media/encoder_choice.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// True if the codec or the container stores the colour matrix. Otherwise players guess it by the size.
bool is_tagged(AVCodecID codec, const AVOutputFormat& container) {
  const std::string_view name = container.name;
  const bool by_container = name == "mp4" || name == "mov" || name == "matroska" || name == "webm";
  return by_container || codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_VP9 ||
         codec == AV_CODEC_ID_AV1;
}

void set_colour(AVCodecContext& codec, const AVOutputFormat& container) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(codec.pix_fmt);
  const bool rgb = (descriptor->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
  codec.color_primaries = AVCOL_PRI_BT709;
  if (rgb) {
    codec.colorspace = AVCOL_SPC_RGB;
    codec.color_trc = AVCOL_TRC_IEC61966_2_1;
    codec.color_range = AVCOL_RANGE_JPEG;
    return;
  }
  const bool jpeg = codec.codec_id == AV_CODEC_ID_MJPEG;
  codec.color_trc = AVCOL_TRC_BT709;
  codec.color_range = jpeg || ffmpeg::is_full_range_twin(codec.pix_fmt) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  if (jpeg) {
    codec.colorspace = AVCOL_SPC_BT470BG;
  } else if (is_tagged(codec.codec_id, container)) {
    codec.colorspace = AVCOL_SPC_BT709;
  } else {
    codec.colorspace = ffmpeg::default_matrix(codec.width, codec.height);
  }
}

/// Rounds a size up to a multiple of the chroma step: H.264 in 4:2:0 takes only even sizes.
int rounded_up(int size, int log2_step) { return round_up(size, 1 << log2_step); }

}  // namespace

VideoEncoder::VideoEncoder(const SinkOptions& options, const AVOutputFormat& container, AVRational time_base,
                           AVRational frame_rate)
    : packet_(ffmpeg::make_packet()) {
  const AVCodec& encoder = choose_video_encoder(options.codec, container);
  codec_ = ffmpeg::checked(ffmpeg::Codec(avcodec_alloc_context3(&encoder)));
  codec_->pix_fmt = choose_pixel_format(encoder, container);
  const AVPixFmtDescriptor& descriptor = *av_pix_fmt_desc_get(codec_->pix_fmt);
  codec_->width = rounded_up(options.width, descriptor.log2_chroma_w);
  codec_->height = rounded_up(options.height, descriptor.log2_chroma_h);
  codec_->sample_aspect_ratio = {1, 1};
  codec_->time_base = time_base;
  codec_->framerate = frame_rate;
  set_colour(*codec_, container);
  if ((container.flags & AVFMT_GLOBALHEADER) != 0) codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  ffmpeg::Options encoder_options;
  set_quality(*codec_, encoder_options, options.quality);
  if (options.low_latency) {
    set_low_latency(*codec_, encoder_options);
    key_interval_ = av_rescale_q(1, {1, 1}, time_base);
  }
  // x265 writes to standard error directly, not through FFmpeg's log.
  if (std::string_view(encoder.name) == "libx265") encoder_options.set("x265-params", "log-level=error");
  encoder_options.set(options.ffmpeg_options);
  ffmpeg::check(avcodec_open2(codec_.get(), &encoder, encoder_options.address()),
                std::string("cannot open the encoder ") + encoder.name + " for " +
                    std::to_string(options.width) + "x" + std::to_string(options.height));
  options_left_ = encoder_options.left_of(options.ffmpeg_options);

  rgb_ = ffmpeg::make_frame(codec_->width, codec_->height, AV_PIX_FMT_RGB24);
  if ((descriptor.flags & AV_PIX_FMT_FLAG_PAL) != 0) {
    converted_ = ffmpeg::make_frame();
    make_palette();
  } else {
    converted_ = ffmpeg::make_frame(codec_->width, codec_->height, codec_->pix_fmt);
    make_scaler();
  }
}

void VideoEncoder::make_scaler() {
  constexpr int kFlags = SWS_BICUBIC | SWS_FULL_CHR_H_INP | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND;
  const AVPixelFormat target = ffmpeg::plain_format(codec_->pix_fmt);
  scaler_ = ffmpeg::Scaler(sws_getContext(codec_->width, codec_->height, AV_PIX_FMT_RGB24, codec_->width,
                                          codec_->height, target, kFlags, nullptr, nullptr, nullptr));
  if (!scaler_) {
    throw MediaError(std::string("cannot convert to the pixel format ") +
                     av_get_pix_fmt_name(codec_->pix_fmt) + " of the encoder " + codec_->codec->name);
  }
  const int* coefficients = codec_->colorspace == AVCOL_SPC_RGB
                                ? sws_getCoefficients(SWS_CS_DEFAULT)
                                : ffmpeg::matrix_coefficients(codec_->colorspace);
  const int full_range = codec_->color_range == AVCOL_RANGE_JPEG ? 1 : 0;
  sws_setColorspaceDetails(scaler_.get(), coefficients, 1, coefficients, full_range, 0, 1 << 16, 1 << 16);
}

/// Makes the filter that chooses a palette for each frame. A common palette would need all frames first.
void VideoEncoder::make_palette() {
  const std::string source = "buffer=width=" + std::to_string(codec_->width) +
                             ":height=" + std::to_string(codec_->height) +
                             ":pix_fmt=rgb24:time_base=" + std::to_string(codec_->time_base.num) + "/" +
                             std::to_string(codec_->time_base.den) + "[in];";
  const std::string chain =
      "[in]split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=0[p];"
      "[b][p]paletteuse=new=1:dither=sierra2_4a[out];[out]buffersink";
  palette_graph_ = ffmpeg::checked(ffmpeg::Graph(avfilter_graph_alloc()));
  palette_graph_->nb_threads = 1;
  AVFilterInOut* open_inputs = nullptr;
  AVFilterInOut* open_outputs = nullptr;
  const int parsed =
      avfilter_graph_parse2(palette_graph_.get(), (source + chain).c_str(), &open_inputs, &open_outputs);
  avfilter_inout_free(&open_inputs);
  avfilter_inout_free(&open_outputs);
  ffmpeg::check(parsed, "cannot make the palette filter");
  ffmpeg::check(avfilter_graph_config(palette_graph_.get(), nullptr), "cannot make the palette filter");
  for (unsigned i = 0; i < palette_graph_->nb_filters; ++i) {
    AVFilterContext* filter = palette_graph_->filters[i];
    if (std::string_view(filter->filter->name) == "buffer") palette_in_ = filter;
    if (std::string_view(filter->filter->name) == "buffersink") palette_out_ = filter;
  }
}

/// Copies the frame to rgb_ and repeats the last column and row up to the coded size.
void VideoEncoder::fill_rgb(const Frame& frame) {
  ffmpeg::check(av_frame_make_writable(rgb_.get()), "cannot make room for a frame");
  const std::size_t row_size = static_cast<std::size_t>(frame.width) * 3;
  for (int y = 0; y < rgb_->height; ++y) {
    const auto from = static_cast<std::size_t>(std::min(y, frame.height - 1)) * row_size;
    std::uint8_t* to = rgb_->data[0] + std::ptrdiff_t{rgb_->linesize[0]} * y;
    std::memcpy(to, frame.pixels.data() + from, row_size);
    for (int x = frame.width; x < rgb_->width; ++x) std::memcpy(to + x * 3, to + row_size - 3, 3);
  }
}

/// Converts rgb_ to converted_.
void VideoEncoder::convert() {
  if (palette_graph_) {
    av_frame_unref(converted_.get());
    ffmpeg::check(av_buffersrc_add_frame_flags(palette_in_, rgb_.get(), AV_BUFFERSRC_FLAG_KEEP_REF),
                  "cannot choose a palette");
    ffmpeg::check(av_buffersink_get_frame(palette_out_, converted_.get()), "cannot choose a palette");
    return;
  }
  ffmpeg::check(av_frame_make_writable(converted_.get()), "cannot make room for a frame");
  ffmpeg::check(sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, rgb_->height, converted_->data,
                          converted_->linesize),
                "cannot convert a frame");
}

void VideoEncoder::encode(const Frame& frame, std::int64_t pts, const OnPacket& on_packet) {
  fill_rgb(frame);
  rgb_->pts = pts;
  convert();
  encode_frame(pts, on_packet);
}

void VideoEncoder::repeat(std::int64_t pts, const OnPacket& on_packet) { encode_frame(pts, on_packet); }

void VideoEncoder::encode_frame(std::int64_t pts, const OnPacket& on_packet) {
  converted_->pts = pts;
  converted_->quality = codec_->global_quality;
  converted_->pict_type = frame_type(pts);
  send(converted_.get(), on_packet);
}

/// Asks for a key frame once per key_interval_. The encoder would count frames, whose rate varies.
AVPictureType VideoEncoder::frame_type(std::int64_t pts) {
  if (key_interval_ == 0 || pts < next_key_) return AV_PICTURE_TYPE_NONE;
  next_key_ = pts + key_interval_;
  return AV_PICTURE_TYPE_I;
}

void VideoEncoder::flush(const OnPacket& on_packet) { send(nullptr, on_packet); }

void VideoEncoder::send(const AVFrame* frame, const OnPacket& on_packet) {
  ffmpeg::check(avcodec_send_frame(codec_.get(), frame), "cannot encode a frame");
  while (true) {
    const int result = avcodec_receive_packet(codec_.get(), packet_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, "cannot encode a frame");
    on_packet(*packet_);
    av_packet_unref(packet_.get());
  }
}

}  // namespace streamdiffusion
