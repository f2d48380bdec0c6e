#include "stream/frame_codec.h"

#include <cstddef>
#include <functional>

namespace streamdiffusion {

namespace {

constexpr std::int64_t kLatentChannels = 4;
constexpr std::int64_t kPixelsPerLatent = 8;  // in each direction

}  // namespace

FrameCodec::FrameCodec(Device& device, const Autoencoder& autoencoder, const Shape& images)
    : autoencoder_(autoencoder), images_(device, images) {}

Shape FrameCodec::latents(std::int64_t frames) const {
  const Shape& images = images_.view().shape;
  return {frames, images.h / kPixelsPerLatent, images.w / kPixelsPerLatent, kLatentChannels};
}

void FrameCodec::encode(Context context, std::span<const Frame> frames, const Tensor& latents) {
  const Tensor images = images_.view().rows(0, latents.shape.n);
  const Autoencoder::PixelRange range = autoencoder_.encode_range();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    context.device.upload_pixels(frames[i].pixels.data(), range.scale, range.shift,
                                 images.rows(static_cast<std::int64_t>(i), 1));
  }
  const auto encode = [&] { autoencoder_.encode(context, images, latents); };
  context.device.sequence(std::ref(encode));
}

void FrameCodec::decode(Context context, const Tensor& latents, std::span<Frame> frames) {
  const Tensor images = images_.view().rows(0, latents.shape.n);
  const auto decode = [&] { autoencoder_.decode(context, latents, images); };
  context.device.sequence(std::ref(decode));
  const Autoencoder::PixelRange range = Autoencoder::decode_range();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].resize(static_cast<int>(images.shape.w), static_cast<int>(images.shape.h));
    context.device.download_pixels(images.rows(static_cast<std::int64_t>(i), 1), range.scale, range.shift,
                                   frames[i].pixels.data());
  }
}

}  // namespace streamdiffusion
