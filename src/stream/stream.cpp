#include "streamdiffusion/stream.h"

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

#include "stream/denoising_batch.h"
#include "stream/frame_codec.h"
#include "stream/frame_filter.h"
#include "stream/sequential_denoiser.h"
#include "stream/step_noise.h"
#include "stream/step_rows.h"
#include "stream/stream_checks.h"

namespace streamdiffusion {

namespace {

/// Whether anything but the similarity filter differs.
bool same_denoising(const Parameters& a, const Parameters& b) {
  Parameters with_filter_of_b = a;
  with_filter_of_b.similarity_filter = b.similarity_filter;
  return with_filter_of_b == b;
}

StreamOptions checked(const StreamOptions& options, const Model& model) {
  check_options(options, model.info());
  return options;
}

}  // namespace

struct Stream::Impl {
  Impl(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);

  void set_parameters(const Parameters& changed);
  StepResult step(std::span<const Frame> in, std::vector<Frame>& out);
  void drain(std::vector<Frame>& out);
  void generate(std::vector<Frame>& out);
  Frame picture(const Frame* in);

  [[nodiscard]] Shape images() const { return {options.frame_buffer_size, options.height, options.width, 3}; }
  [[nodiscard]] Context context() const { return model->impl().context(); }
  [[nodiscard]] Device& device() const { return *model->impl().device; }
  [[nodiscard]] int delay() const {
    return options.use_denoising_batch ? static_cast<int>(denoising->steps.size()) - 1 : 0;
  }

  /// Runs `work` and adds the time that it took.
  template <typename Work>
  void timed(double& seconds, Work&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    device().synchronize();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void draw_noise(const Tensor& latents, DeviceTensor& step_noise) const;
  void set_labels(std::span<const Frame> frames);
  void prime();
  void denoise_input(std::vector<Frame>& out);
  void show(const Tensor& x0, std::span<const FrameLabel> finished, std::vector<Frame>& out);
  SequentialDenoiser& one_picture();

  std::shared_ptr<Model> model;
  StreamOptions options;
  Parameters parameters;
  std::shared_ptr<const Denoising> denoising;
  FrameCodec codec;
  FrameFilter filter;
  std::unique_ptr<StepNoise> noise;
  std::unique_ptr<DenoisingBatch> batch;                 // null in sequential mode
  std::unique_ptr<SequentialDenoiser> sequential;        // null otherwise
  std::unique_ptr<SequentialDenoiser> picture_denoiser;  // made when the first picture is asked for
  DeviceTensor input;                                    // what went in last
  bool input_is_noise = false;
  DeviceTensor input_noise;  // with which, where the input is noise
  DeviceTensor picture_input;
  DeviceTensor picture_noise;
  std::vector<FrameLabel> labels;  // of the input
  std::int64_t generated = 0;
  std::vector<Frame> result;  // what came out last
  bool has_result = false;
  StreamStatistics statistics;
};

Stream::Impl::Impl(std::shared_ptr<Model> given_model, const StreamOptions& given_options,
                   const Parameters& given_parameters)
    : model(std::move(given_model)),
      options(checked(given_options, *model)),
      codec(device(), *model->impl().autoencoder, images()),
      filter(device(), images(), given_parameters.seed),
      input(device(), codec.latents(options.frame_buffer_size)),
      picture_input(device(), codec.latents(1)),
      labels(static_cast<std::size_t>(options.frame_buffer_size)),
      result(labels.size()) {
  set_parameters(given_parameters);
}

void Stream::Impl::set_parameters(const Parameters& changed) {
  check_filter(changed.similarity_filter);
  if (denoising && same_denoising(parameters, changed)) {
    parameters = changed;
    return;
  }
  const std::shared_ptr<const Denoising> next = make_denoising(model->impl(), changed, denoising.get());
  const auto steps = static_cast<std::int64_t>(next->steps.size());
  if (!noise || changed.seed != parameters.seed || steps != noise->fixed().shape.n) {
    noise = std::make_unique<StepNoise>(context(), changed.seed, steps, codec.latents(1));
  }
  if (!options.use_denoising_batch) {
    sequential = std::make_unique<SequentialDenoiser>(device(), next, noise->fixed(), input.view().shape);
  } else if (batch) {
    batch->set(next, noise->fixed());
  } else {
    batch = std::make_unique<DenoisingBatch>(device(), next, noise->fixed(), input.view().shape);
  }
  picture_denoiser.reset();
  denoising = next;
  parameters = changed;
  filter.force(delay() + 1);
}

StepResult Stream::Impl::step(std::span<const Frame> in, std::vector<Frame>& out) {
  check_frames(in, labels.size(), options);
  if (!filter.keep(parameters.similarity_filter, in, has_result, delay())) {
    out = result;
    statistics.skipped += static_cast<std::int64_t>(in.size());
    return StepResult::skipped;
  }
  timed(statistics.encode_seconds, [&] { codec.encode(context(), in, input.view()); });
  input_is_noise = false;
  set_labels(in);
  denoise_input(out);
  return StepResult::processed;
}

void Stream::Impl::generate(std::vector<Frame>& out) {
  draw_noise(input.view(), input_noise);
  input_is_noise = true;
  for (FrameLabel& label : labels) {
    label = {.number = generated++, .shown = true};
  }
  denoise_input(out);
}

void Stream::Impl::drain(std::vector<Frame>& out) {
  for (FrameLabel& label : labels) {  // the last input goes in again, only to push out what is before it
    label.shown = false;
  }
  while (batch && batch->in_flight()) {
    denoise_input(out);
    if (!out.empty()) {
      return;
    }
  }
  if (batch) {
    batch->clear();
  }
  has_result = false;
  filter.forget();
  out.clear();
}

/// Fresh noise for pictures: what they begin from and what they meet on the way.
void Stream::Impl::draw_noise(const Tensor& latents, DeviceTensor& step_noise) const {
  const Shape rows = with_rows(latents.shape, noise->fixed().shape.n * latents.shape.n);
  if (step_noise.view().shape != rows) {
    step_noise = DeviceTensor(device(), rows);
  }
  noise->draw(context(), latents, step_noise.view());
}

void Stream::Impl::set_labels(std::span<const Frame> frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    labels[i] = {.number = frames[i].number, .time = frames[i].time, .shown = true};
  }
}

/// Fills the rows with the first frame. Of text to image there is none yet; where rows see one another its
/// picture is made first.
void Stream::Impl::prime() {
  const Tensor first = input.view().rows(0, 1);
  if (!input_is_noise) {
    batch->prime(first);
  } else if (denoising->cross_frame_attention) {
    batch->prime(one_picture().run(context(), {.latents = first, .is_noise = true, .noise = {}}));
  }
}

void Stream::Impl::denoise_input(std::vector<Frame>& out) {
  // Noise for another number of steps belongs to an input that goes in again only to push out what is in
  // flight.
  const bool own_noise =
      input_is_noise && input_noise.view().shape.n == noise->fixed().shape.n * options.frame_buffer_size;
  const DenoisingInput from{.latents = input.view(),
                            .is_noise = input_is_noise,
                            .noise = own_noise ? input_noise.view() : Tensor{}};
  Tensor x0;
  timed(statistics.unet_seconds, [&] {
    if (batch && batch->empty()) {
      prime();
    }
    x0 = batch ? batch->step(context(), from, labels) : sequential->run(context(), from);
  });
  statistics.steps += batch ? 1 : static_cast<std::int64_t>(denoising->steps.size());
  show(x0, batch ? batch->finished() : labels, out);
}

void Stream::Impl::show(const Tensor& x0, std::span<const FrameLabel> finished, std::vector<Frame>& out) {
  if (!finished.front().shown) {
    out.clear();
    return;
  }
  timed(statistics.decode_seconds, [&] { codec.decode(context(), x0, result); });
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i].number = finished[i].number;
    result[i].time = finished[i].time;
  }
  has_result = true;
  out = result;
}

SequentialDenoiser& Stream::Impl::one_picture() {
  if (!picture_denoiser) {
    picture_denoiser =
        std::make_unique<SequentialDenoiser>(device(), denoising, noise->fixed(), picture_input.view().shape);
  }
  return *picture_denoiser;
}

Frame Stream::Impl::picture(const Frame* in) {
  Frame out;
  if (in != nullptr) {
    const std::span<const Frame> one(in, 1);
    check_frames(one, 1, options);
    timed(statistics.encode_seconds, [&] { codec.encode(context(), one, picture_input.view()); });
    out.number = in->number;
    out.time = in->time;
  } else {
    draw_noise(picture_input.view(), picture_noise);
    out.number = generated++;
  }
  Tensor x0;
  timed(statistics.unet_seconds, [&] {
    x0 = one_picture().run(context(), {.latents = picture_input.view(),
                                       .is_noise = in == nullptr,
                                       .noise = in == nullptr ? picture_noise.view() : Tensor{}});
  });
  statistics.steps += static_cast<std::int64_t>(denoising->steps.size());
  timed(statistics.decode_seconds, [&] { codec.decode(context(), x0, std::span(&out, 1)); });
  return out;
}

Stream::Stream(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters)
    : impl_(std::make_unique<Impl>(std::move(model), options, parameters)) {}

Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const StreamOptions& Stream::options() const { return impl_->options; }
const Parameters& Stream::parameters() const { return impl_->parameters; }
const StreamStatistics& Stream::statistics() const { return impl_->statistics; }

void Stream::set_parameters(const Parameters& parameters) { impl_->set_parameters(parameters); }
StepResult Stream::step(const std::vector<Frame>& in, std::vector<Frame>& out) {
  return impl_->step(in, out);
}
void Stream::drain(std::vector<Frame>& out) { impl_->drain(out); }
void Stream::generate(std::vector<Frame>& out) { impl_->generate(out); }
Frame Stream::picture(const Frame& in) { return impl_->picture(&in); }
Frame Stream::picture() { return impl_->picture(nullptr); }

}  // namespace streamdiffusion
