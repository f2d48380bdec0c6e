#include "stream/stream_impl.h"

#include <cstddef>

#include "settings/setting.h"
#include "stream/step_rows.h"
#include "stream/stream_checks.h"

namespace streamdiffusion {

namespace {

/// True if the parameters are equal apart from the similarity filter.
bool same_denoising(const Parameters& a, const Parameters& b) {
  Parameters with_filter_of_b = a;
  with_filter_of_b.similarity_filter = b.similarity_filter;
  return with_filter_of_b == b;
}

StreamOptions checked(const StreamOptions& options, const Model& model) {
  check_options(options, model.info());
  return options;
}

/// Allocates frames of the stream's size in advance, so that steps allocate none.
std::vector<Frame> make_frames(const StreamOptions& options) {
  std::vector<Frame> frames(static_cast<std::size_t>(options.frame_buffer_size));
  for (Frame& frame : frames) {
    frame.resize(options.width, options.height);
  }
  return frames;
}

}  // namespace

Stream::Impl::Impl(std::shared_ptr<Model> given_model, const StreamOptions& given_options,
                   const Parameters& given_parameters)
    : model(std::move(given_model)),
      options(checked(given_options, *model)),
      codec(device(), *model->impl().autoencoder, images()),
      filter(device(), images(), given_parameters.seed),
      input(device(), codec.latents(options.frame_buffer_size)),
      new_input(device(), input.view().shape),
      image_input(device(), codec.latents(1)),
      labels(static_cast<std::size_t>(options.frame_buffer_size)),
      result(make_frames(options)),
      next_result(make_frames(options)),
      timers(device()) {
  set_parameters(given_parameters);
}

void Stream::Impl::set_parameters(const Parameters& changed) {
  check_ranges({.parameters = changed});
  Target wanted{.parameters = changed, .denoising = target.denoising, .noise = target.noise};
  if (target.denoising && same_denoising(target.parameters, changed)) {
    target = std::move(wanted);
    return;
  }
  restore_rows();
  wanted.denoising = make_denoising_plan(model->impl(), changed, target.denoising.get());
  const std::int64_t steps = std::ssize(wanted.denoising->steps);
  if (!target.noise || seeds_of(changed) != seeds_of(target.parameters) ||
      steps != target.noise->fixed().shape.n) {
    wanted.noise = std::make_shared<StepNoise>(context(), seeds_of(changed), steps, codec.latents(1));
  }
  Transitions wanted_transitions = transitions_to(wanted);
  std::shared_ptr<WeightSet> old = target.denoising ? target.denoising->weights : nullptr;
  set_rows(wanted, wanted_transitions);
  // No operation from here on can fail.
  if (batch) {
    batch->forget_own_noise();
  }
  target = std::move(wanted);
  transitions = std::move(wanted_transitions);
  rows_are_set = true;
  filter.force(delay() + 1);
  if (old) {
    model->impl().weight_sets.reuse_slots(std::move(old), *target.denoising->weights);
  }
}

StepResult Stream::Impl::step(std::span<const Frame> in, std::vector<Frame>& out) {
  check_frames(in, labels.size(), options);
  const bool is_processed = begin_input(in, out);
  if (is_processed) {
    denoise_input(out);
  }
  commit();
  return is_processed ? StepResult::processed : StepResult::skipped;
}

/// Begins a step and encodes the frames. Returns false if the similarity filter skips them; `out` is then the
/// last result.
bool Stream::Impl::begin_input(std::span<const Frame> in, std::vector<Frame>& out) {
  Transitions moved = transitions;
  moved.advance_to(in.back().time);
  begin_step_at(moved, transitions.active());
  next.is_filtered = true;
  // No frame is skipped during a transition, because the result changes even if the input does not.
  const int forced = transitions.active() ? delay() + 1 : 0;
  if (!filter.should_process(target.parameters.similarity_filter, in, has_result, delay(), forced)) {
    out = result;
    next.skipped = std::ssize(in);
    return false;
  }
  run_timed(timers.encode, [&] { codec.encode(context(), in, new_input.view()); });
  next.new_input_is_noise = false;
  set_labels(in);
  return true;
}

void Stream::Impl::generate(std::vector<Frame>& out) {
  Transitions stopped = transitions;
  stopped.stop();
  begin_step_at(stopped, transitions.active());
  draw_noise(new_input.view(), new_input_noise);
  next.new_input_is_noise = true;
  std::int64_t number = generated;
  for (FrameLabel& label : labels) {
    label = {.number = number++, .shown = true};
  }
  denoise_input(out);
  commit();
  target.noise->commit();
  generated = number;
}

void Stream::Impl::drain(std::vector<Frame>& out) {
  restore_rows();
  for (FrameLabel& label : labels) {  // repeats the last input, unseen, to push out the frames in flight
    label.shown = false;
  }
  while (batch && batch->in_flight()) {
    begin_step_at(transitions, false);
    denoise_input(out);
    commit();
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

/// Begins a step with the transitions at the point `at`. `move` is true if the rows must be set to that
/// point.
void Stream::Impl::begin_step_at(const Transitions& at, bool move) {
  next = {.transitions = at, .new_input_is_noise = {}};
  if (move || !rows_are_set) {
    set_rows(target, at);
  }
}

/// Makes the results of the step the stream's state. Allocates nothing.
void Stream::Impl::commit() {
  if (next.new_input_is_noise) {
    device().copy(new_input.view(), input.view());
    std::swap(new_input_noise, input_noise);
    input_is_noise = *next.new_input_is_noise;
  }
  if (batch && next.steps > 0) {
    batch->commit();
  }
  if (next.has_shown) {
    result.swap(next_result);
    has_result = true;
  }
  if (next.is_filtered) {
    filter.commit();
  }
  transitions = std::move(next.transitions);
  rows_are_set = true;
  statistics.steps += next.steps;
  statistics.skipped += next.skipped;
  add_times();
}

/// Adds the times of the stages that have run to the statistics. Waits until the device has computed them.
void Stream::Impl::add_times() {
  statistics.encode_seconds += timers.encode.take();
  statistics.unet_seconds += timers.unet.take();
  statistics.decode_seconds += timers.decode.take();
}

/// Draws fresh noise for text to image into `latents` and `step_noise`, as StepNoise::draw does.
void Stream::Impl::draw_noise(const Tensor& latents, DeviceTensor& step_noise) const {
  size_rows(step_noise, steps() * latents.shape.n);
  target.noise->draw(context(), latents, step_noise.view());
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

/// Returns the x_0 that the other rows of an empty batch start from: that of the first frame. Text to image
/// has none yet. With cross-frame attention, where rows see one another, it generates the image first;
/// otherwise the result is empty.
Tensor Stream::Impl::first_x0() {
  const DenoisingInput given = denoising_input();
  const Tensor first = given.latents.rows(0, 1);
  if (!given.is_noise) {
    return first;
  }
  if (denoising->cross_frame_attention) {
    return image_denoiser_of(1).run(context(), {.latents = first, .is_noise = true, .noise = {}});
  }
  return {};
}

/// Returns the new input, or the last one if there is none, as in `drain`.
DenoisingInput Stream::Impl::denoising_input() const {
  const bool is_noise = next.new_input_is_noise.value_or(input_is_noise);
  const DeviceTensor& noise = next.new_input_is_noise ? new_input_noise : input_noise;
  // The noise may be for an earlier number of steps. That occurs only in `drain`, where it does not matter.
  const bool own_noise = is_noise && noise.view().shape.n == steps() * options.frame_buffer_size;
  return {.latents = next.new_input_is_noise ? new_input.view() : input.view(),
          .is_noise = is_noise,
          .noise = own_noise ? noise.view() : Tensor{}};
}

/// Returns the rows for the UNet call; null in sequential mode.
DenoisingRows* Stream::Impl::begin_step() {
  return batch ? &batch->begin_step(denoising_input(), batch->empty() ? first_x0() : Tensor{}) : nullptr;
}

void Stream::Impl::finish_step(std::vector<Frame>& out) {
  Tensor x0;
  if (batch) {
    x0 = batch->end_step(labels);
  } else {
    run_timed(timers.unet, [&] { x0 = sequential->run(context(), denoising_input()); });
  }
  next.steps = batch ? 1 : steps();
  decode_result(x0, batch ? batch->finished() : labels, out);
}

void Stream::Impl::denoise_input(std::vector<Frame>& out) {
  if (DenoisingRows* const rows = begin_step()) {
    run_timed(timers.unet, [&] {
      Context calling = context();
      DenoisingRows::predict(calling, std::span(&rows, 1));
    });
  }
  finish_step(out);
}

void Stream::Impl::decode_result(const Tensor& x0, std::span<const FrameLabel> finished,
                                 std::vector<Frame>& out) {
  if (!finished.front().shown) {
    out.clear();
    return;
  }
  run_timed(timers.decode, [&] { codec.decode(context(), x0, next_result); });
  for (std::size_t i = 0; i < next_result.size(); ++i) {
    next_result[i].number = finished[i].number;
    next_result[i].time = finished[i].time;
  }
  out = next_result;
  next.has_shown = true;
}

SequentialDenoiser& Stream::Impl::image_denoiser_of(std::int64_t count) {
  if (image_input.view().shape.n != count) {
    image_input = DeviceTensor(device(), codec.latents(count));
    image_denoiser.reset();
  }
  if (!image_denoiser) {
    image_denoiser = std::make_unique<SequentialDenoiser>(device(), target.denoising, target.noise->fixed(),
                                                          image_input.view().shape);
  }
  return *image_denoiser;
}

Frame Stream::Impl::generate_image(const Frame* in) {
  restore_rows();
  SequentialDenoiser& denoiser = image_denoiser_of(1);
  Frame out;
  if (in != nullptr) {
    const std::span<const Frame> one(in, 1);
    check_frames(one, 1, options);
    run_timed(timers.encode, [&] { codec.encode(context(), one, image_input.view()); });
    out.number = in->number;
    out.time = in->time;
  } else {
    draw_noise(image_input.view(), image_noise);
    out.number = generated;
  }
  finish_images(denoiser, in == nullptr, std::span(&out, 1));
  if (in == nullptr) {
    target.noise->commit();
    ++generated;
  }
  return out;
}

void Stream::Impl::generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out) {
  restore_rows();
  const auto count = static_cast<std::int64_t>(variations.size());
  const std::int64_t steps = this->steps();
  SequentialDenoiser& denoiser = image_denoiser_of(count);
  size_rows(image_noise, steps * count);
  for (std::int64_t i = 0; i < count; ++i) {
    // Noise in diffusers' order: the image's starting noise, then the noise between its steps.
    const StepNoise drawn(context(),
                          seeds_of(variation_of(target.parameters, variations[static_cast<std::size_t>(i)])),
                          steps, codec.latents(1));
    device().copy(drawn.fixed().rows(0, 1), image_input.view().rows(i, 1));
    for (std::int64_t step = 0; step < steps; ++step) {
      device().copy(drawn.fixed().rows(step, 1), image_noise.view().rows(step * count + i, 1));
    }
  }
  out.resize(variations.size());
  finish_images(denoiser, true, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].number = variations[i];
  }
}

/// Denoises image_input and decodes the results into `out`.
void Stream::Impl::finish_images(SequentialDenoiser& denoiser, bool is_noise, std::span<Frame> out) {
  Tensor x0;
  run_timed(timers.unet, [&] {
    x0 = denoiser.run(context(), {.latents = image_input.view(),
                                  .is_noise = is_noise,
                                  .noise = is_noise ? image_noise.view() : Tensor{}});
  });
  statistics.steps += steps();
  run_timed(timers.decode, [&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      codec.decode(context(), x0.rows(static_cast<std::int64_t>(i), 1), out.subspan(i, 1));
    }
  });
  add_times();
}

}  // namespace streamdiffusion
