#include "kinds.h"
#include "model/model_impl.h"

namespace streamdiffusion::conformance {

namespace {

constexpr std::int64_t kScale = 8;
constexpr std::int64_t kImageChannels = 3;
constexpr std::int64_t kLatentChannels = 4;

}  // namespace

Outputs run_vae_encode(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = ModelAccess::impl(*model).context();
  const Autoencoder& autoencoder = *ModelAccess::impl(*model).autoencoder;

  const DeviceTensor image = upload_image(context, c.tensor("in.image"));
  const Autoencoder::PixelRange range = autoencoder.encode_range();
  context.device.map(image.view(), range.scale, Activation::none, 1.0F, range.shift, image.view());
  const Shape& shape = image.view().shape;
  const DeviceTensor latents(context.device, {shape.n, shape.h / kScale, shape.w / kScale, kLatentChannels});
  autoencoder.encode(context, image.view(), latents.view());
  return {{"out.latents", download_image(context, latents.view())}};
}

Outputs run_vae_decode(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = ModelAccess::impl(*model).context();

  const DeviceTensor latents = upload_image(context, c.tensor("in.latents"));
  const Shape& shape = latents.view().shape;
  const DeviceTensor image(context.device, {shape.n, shape.h * kScale, shape.w * kScale, kImageChannels});
  ModelAccess::impl(*model).autoencoder->decode(context, latents.view(), image.view());
  return {{"out.image", download_image(context, image.view())}};
}

}  // namespace streamdiffusion::conformance
