#include <algorithm>

#include "media/ffmpeg.h"
#include "media/image_encoders.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Converts a frame to BGRA, from which libwebp converts to YUV as WebP prescribes.
ffmpeg::FramePointer bgra(const Frame& frame) {
  ffmpeg::FramePointer image = ffmpeg::make_frame(frame.width, frame.height, AV_PIX_FMT_BGRA);
  const std::uint8_t* from = frame.pixels.data();
  for (int y = 0; y < frame.height; ++y) {
    std::uint8_t* to = image->data[0] + std::ptrdiff_t{image->linesize[0]} * y;
    for (int x = 0; x < frame.width; ++x, from += 3, to += 4) {
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
      to[3] = 255;
    }
  }
  image->pts = 0;
  return image;
}

}  // namespace

std::vector<std::uint8_t> encode_webp(const Frame& frame, int quality) {
  ffmpeg::silence_log();
  const AVCodec* encoder = avcodec_find_encoder_by_name("libwebp");
  if (encoder == nullptr) {
    throw MediaError(
        "this FFmpeg has no encoder libwebp (`ffmpeg -encoders` lists those it has); write PNG or JPEG");
  }
  const ffmpeg::Codec codec = ffmpeg::checked(ffmpeg::Codec(avcodec_alloc_context3(encoder)));
  codec->width = frame.width;
  codec->height = frame.height;
  codec->pix_fmt = AV_PIX_FMT_BGRA;
  codec->time_base = {1, 25};
  av_opt_set_double(codec.get(), "quality", quality, AV_OPT_SEARCH_CHILDREN);
  ffmpeg::check(avcodec_open2(codec.get(), encoder, nullptr), "cannot open the encoder libwebp");
  const ffmpeg::FramePointer image = bgra(frame);
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  ffmpeg::check(avcodec_send_frame(codec.get(), image.get()), "cannot encode WebP");
  ffmpeg::check(avcodec_send_frame(codec.get(), nullptr), "cannot encode WebP");
  ffmpeg::check(avcodec_receive_packet(codec.get(), packet.get()), "cannot encode WebP");
  return {packet->data, packet->data + packet->size};
}

}  // namespace streamdiffusion
