#include "streamdiffusion/stream.h"

#include <utility>

#include "stream/stream_checks.h"
#include "stream/stream_impl.h"

namespace streamdiffusion {

Stream::Stream(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters)
    : impl_(std::make_unique<Impl>(std::move(model), options, parameters)) {}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const StreamOptions& Stream::options() const { return impl_->options; }
const Parameters& Stream::parameters() const { return impl_->target.parameters; }
const StreamStatistics& Stream::statistics() const { return impl_->statistics; }

void Stream::set_parameters(const Parameters& parameters) { impl_->set_parameters(parameters); }
LatentShape Stream::latent_shape() const { return latent_shape_of(impl_->options); }

StepResult Stream::step(std::span<const InputFrame> in, std::span<OutputFrame> out) {
  return impl_->step(in, out);
}
std::size_t Stream::drain(std::span<OutputFrame> out) { return impl_->drain(out); }
std::size_t Stream::generate(std::span<OutputFrame> out) { return impl_->generate(out); }
std::size_t Stream::generate(std::span<const float> noise, std::span<OutputFrame> out) {
  return impl_->generate(noise, out);
}
void Stream::generate_image(const InputFrame& in, OutputFrame& out) { impl_->generate_image(&in, out); }
void Stream::generate_image(OutputFrame& out) { impl_->generate_image(nullptr, out); }
void Stream::generate_images(std::span<const std::uint32_t> variations, std::span<OutputFrame> out) {
  impl_->generate_images(variations, out);
}
void Stream::encode(const ImageView& image, std::span<float> latents) { impl_->encode(image, latents); }
void Stream::decode(std::span<const float> latents, const MutableImageView& image) {
  impl_->decode(latents, image);
}
bool Stream::in_flight() const { return impl_->batch && impl_->batch->in_flight(); }

}  // namespace streamdiffusion
