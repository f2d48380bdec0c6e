#include "stream/frame_codec.h"

#include <cstddef>
#include <functional>

#include "stream/nchw.h"
#include "stream/step_rows.h"

namespace streamdiffusion {

FrameCodec::FrameCodec(Device& device, const Autoencoder& autoencoder, const Shape& images)
    : autoencoder_(autoencoder), images_(device, images) {}

Shape FrameCodec::latents(std::int64_t frames) const {
  return Autoencoder::latents_of(with_rows(images_.view().shape, frames));
}

void FrameCodec::encode(Context context, std::span<const InputFrame> frames, const Tensor& latents) {
  if (!frames.front().latents.empty()) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      upload_nchw(context.device, frames[i].latents, nhwc_, latents.rows(static_cast<std::int64_t>(i), 1));
    }
    return;
  }
  const Tensor images = images_.view().rows(0, latents.shape.n);
  const Autoencoder::PixelRange range = autoencoder_.encode_range();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    pixels_.upload(context.device, frames[i].image, range.scale, range.shift,
                   images.rows(static_cast<std::int64_t>(i), 1));
  }
  const auto encode = [&] { autoencoder_.encode(context, images, latents); };
  context.device.sequence(std::ref(encode));
}

Tensor FrameCodec::decode(Context context, const Tensor& latents) {
  const Tensor images = images_.view().rows(0, latents.shape.n);
  const auto decode = [&] { autoencoder_.decode(context, latents, images); };
  context.device.sequence(std::ref(decode));
  return images;
}

void FrameCodec::write(Context context, const Tensor& image, const Tensor& latents,
                       const OutputFrame& frame) {
  if (!frame.image.empty()) {
    const Autoencoder::PixelRange range = Autoencoder::decode_range();
    pixels_.download(context.device, image, range.scale, range.shift, frame.image);
  }
  if (!frame.latents.empty()) {
    download_nchw(context.device, latents, nhwc_, frame.latents);
  }
}

}  // namespace streamdiffusion
