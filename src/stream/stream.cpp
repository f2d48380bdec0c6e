#include "streamdiffusion/stream.h"

#include <utility>

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
StepResult Stream::step(const std::vector<Frame>& in, std::vector<Frame>& out) {
  return impl_->step(in, out);
}
void Stream::drain(std::vector<Frame>& out) { impl_->drain(out); }
void Stream::generate(std::vector<Frame>& out) { impl_->generate(out); }
Frame Stream::generate_image(const Frame& in) { return impl_->generate_image(&in); }
Frame Stream::generate_image() { return impl_->generate_image(nullptr); }
void Stream::generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out) {
  impl_->generate_images(variations, out);
}
bool Stream::in_flight() const { return impl_->batch && impl_->batch->in_flight(); }

}  // namespace streamdiffusion
