#include "stream/stream_impl.h"

#include <cstddef>

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
  const std::shared_ptr<const Denoising> next = make_denoising(model->impl(), changed, target.get());
  const auto steps = static_cast<std::int64_t>(next->steps.size());
  std::unique_ptr<StepNoise> next_noise;
  if (!noise || seeds_of(changed) != seeds_of(parameters) || steps != noise->fixed().shape.n) {
    next_noise = std::make_unique<StepNoise>(context(), seeds_of(changed), steps, codec.latents(1));
  }
  start_transitions(changed, *next);
  if (next_noise) {
    noise = std::move(next_noise);
  }
  const std::shared_ptr<const WeightSet> old = target ? target->weights : nullptr;
  target = next;
  parameters = changed;
  use_target();
  if (old.use_count() == 1) {  // nobody else has them
    target->weights->keep_places(device(), *old);
  }
  filter.force(delay() + 1);
}

StepResult Stream::Impl::step(std::span<const Frame> in, std::vector<Frame>& out) {
  check_frames(in, labels.size(), options);
  if (!take(in, out)) {
    return StepResult::skipped;
  }
  denoise_input(out);
  return StepResult::processed;
}

/// Takes the frames in; false where the filter skips them.
bool Stream::Impl::take(std::span<const Frame> in, std::vector<Frame>& out) {
  advance_transitions(in.back().time);
  if (!filter.keep(parameters.similarity_filter, in, has_result, delay())) {
    out = result;
    statistics.skipped += static_cast<std::int64_t>(in.size());
    return false;
  }
  timed(statistics.encode_seconds, [&] { codec.encode(context(), in, input.view()); });
  input_is_noise = false;
  set_labels(in);
  return true;
}

void Stream::Impl::generate(std::vector<Frame>& out) {
  end_transitions();
  draw_noise(*noise, input.view(), input_noise);
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
void Stream::Impl::draw_noise(StepNoise& from, const Tensor& latents, DeviceTensor& step_noise) const {
  size_rows(step_noise, noise->fixed().shape.n * latents.shape.n);
  from.draw(context(), latents, step_noise.view());
}

void Stream::Impl::size_rows(DeviceTensor& latents, std::int64_t rows) const {
  if (latents.view().shape != codec.latents(rows)) {
    latents = DeviceTensor(device(), codec.latents(rows));
  }
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
    batch->prime(picture_denoiser_of(1).run(context(), {.latents = first, .is_noise = true, .noise = {}}));
  }
}

DenoisingInput Stream::Impl::denoising_input() const {
  // Noise for another number of steps belongs to an input that goes in again only to push out what is in
  // flight.
  const bool own_noise =
      input_is_noise && input_noise.view().shape.n == noise->fixed().shape.n * options.frame_buffer_size;
  return {.latents = input.view(),
          .is_noise = input_is_noise,
          .noise = own_noise ? input_noise.view() : Tensor{}};
}

/// The rows that a UNet call has to predict; null in sequential mode.
DenoisingRows* Stream::Impl::begin_step() {
  if (!batch) {
    return nullptr;
  }
  if (batch->empty()) {
    prime();
  }
  return &batch->begin_step(denoising_input());
}

void Stream::Impl::finish_step(std::vector<Frame>& out) {
  Tensor x0;
  if (batch) {
    x0 = batch->end_step(labels);
  } else {
    timed(statistics.unet_seconds, [&] { x0 = sequential->run(context(), denoising_input()); });
  }
  statistics.steps += batch ? 1 : static_cast<std::int64_t>(denoising->steps.size());
  show(x0, batch ? batch->finished() : labels, out);
}

void Stream::Impl::denoise_input(std::vector<Frame>& out) {
  if (DenoisingRows* const rows = begin_step()) {
    timed(statistics.unet_seconds, [&] {
      Context calling = context();
      DenoisingRows::predict(calling, std::span(&rows, 1));
    });
  }
  finish_step(out);
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

SequentialDenoiser& Stream::Impl::picture_denoiser_of(std::int64_t count) {
  if (picture_input.view().shape.n != count) {
    picture_input = DeviceTensor(device(), codec.latents(count));
    picture_denoiser.reset();
  }
  if (!picture_denoiser) {
    picture_denoiser =
        std::make_unique<SequentialDenoiser>(device(), target, noise->fixed(), picture_input.view().shape);
  }
  return *picture_denoiser;
}

Frame Stream::Impl::picture(const Frame* in) {
  SequentialDenoiser& denoiser = picture_denoiser_of(1);
  Frame out;
  if (in != nullptr) {
    const std::span<const Frame> one(in, 1);
    check_frames(one, 1, options);
    timed(statistics.encode_seconds, [&] { codec.encode(context(), one, picture_input.view()); });
    out.number = in->number;
    out.time = in->time;
  } else {
    draw_noise(*noise, picture_input.view(), picture_noise);
    out.number = generated++;
  }
  finish_pictures(denoiser, in == nullptr, std::span(&out, 1));
  return out;
}

void Stream::Impl::pictures(std::span<const std::uint32_t> variations, std::vector<Frame>& out) {
  const auto count = static_cast<std::int64_t>(variations.size());
  const std::int64_t steps = noise->fixed().shape.n;
  SequentialDenoiser& denoiser = picture_denoiser_of(count);
  size_rows(picture_noise, steps * count);
  for (std::int64_t i = 0; i < count; ++i) {
    // diffusers' order: where the picture begins, then what it meets between its steps.
    const StepNoise drawn(context(),
                          seeds_of(variation_of(parameters, variations[static_cast<std::size_t>(i)])), steps,
                          codec.latents(1));
    device().copy(drawn.fixed().rows(0, 1), picture_input.view().rows(i, 1));
    for (std::int64_t step = 0; step < steps; ++step) {
      device().copy(drawn.fixed().rows(step, 1), picture_noise.view().rows(step * count + i, 1));
    }
  }
  out.resize(variations.size());
  finish_pictures(denoiser, true, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].number = variations[i];
  }
}

/// Denoises picture_input into the frames.
void Stream::Impl::finish_pictures(SequentialDenoiser& denoiser, bool is_noise, std::span<Frame> out) {
  Tensor x0;
  timed(statistics.unet_seconds, [&] {
    x0 = denoiser.run(context(), {.latents = picture_input.view(),
                                  .is_noise = is_noise,
                                  .noise = is_noise ? picture_noise.view() : Tensor{}});
  });
  statistics.steps += noise->fixed().shape.n;
  timed(statistics.decode_seconds, [&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      codec.decode(context(), x0.rows(static_cast<std::int64_t>(i), 1), out.subspan(i, 1));
    }
  });
}

}  // namespace streamdiffusion
