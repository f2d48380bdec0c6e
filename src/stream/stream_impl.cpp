#include "stream/stream_impl.h"

#include <cstddef>

#include "settings/setting.h"
#include "stream/nchw.h"
#include "stream/step_rows.h"
#include "stream/stream_checks.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// True if the parameters are equal apart from the similarity filter.
bool same_denoising(const Parameters& a, const Parameters& b) {
  Parameters with_filter_of_b = a;
  with_filter_of_b.similarity_filter = b.similarity_filter;
  return with_filter_of_b == b;
}

std::shared_ptr<Model> checked(std::shared_ptr<Model> model) {
  if (!model) {
    throw ArgumentError("a stream is made without a model (it is null)");
  }
  return model;
}

StreamOptions checked(const StreamOptions& options, const Model& model) {
  check_options(options, model.info());
  return options;
}

std::vector<FrameLabel> make_labels(const StreamOptions& options) {
  return std::vector<FrameLabel>(static_cast<std::size_t>(options.frame_buffer_size));
}

}  // namespace

Stream::Impl::Impl(std::shared_ptr<Model> given_model, const StreamOptions& given_options,
                   const Parameters& given_parameters)
    : model(checked(std::move(given_model))),
      options(checked(given_options, *model)),
      codec(device(), *ModelAccess::impl(*model).autoencoder, images()),
      filter(device(), images(), given_parameters.seed),
      input(device(), codec.latents(options.frame_buffer_size)),
      new_input(device(), input.view().shape),
      image_input(device(), codec.latents(1)),
      labels(make_labels(options)),
      result(make_result()),
      next_result(make_result()),
      timers(device()) {
  set_parameters(given_parameters);
}

Stream::Impl::Result Stream::Impl::make_result() const {
  return {.x0 = DeviceTensor(device(), input.view().shape), .images = {}, .labels = labels};
}

void Stream::Impl::set_parameters(const Parameters& changed) {
  check_ranges({.parameters = changed});
  Target wanted{.parameters = changed,
                .denoising = target.denoising,
                .noise = target.noise,
                .lora_changes = ModelAccess::impl(*model).lora_changes};
  if (target.denoising && same_denoising(target.parameters, changed) &&
      target.lora_changes == wanted.lora_changes) {
    target = std::move(wanted);
    return;
  }
  restore_rows();
  wanted.denoising = make_denoising_plan(ModelAccess::impl(*model), changed, target.denoising.get());
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
    ModelAccess::impl(*model).weight_sets.reuse_slots(std::move(old), *target.denoising->weights);
  }
}

StepResult Stream::Impl::step(std::span<const InputFrame> in, std::span<OutputFrame> out) {
  check_input(in, labels.size(), options);
  check_output(out, labels.size(), options);
  StepResult done;
  if (begin_input(in)) {
    done.finished = denoise_input(out);
  } else {
    repeat_result(out);
    done = {.skipped = true, .finished = out.size()};
  }
  commit();
  return done;
}

bool Stream::Impl::begin_input(std::span<const InputFrame> in) {
  Transitions moved = transitions;
  moved.advance_to(in.back().time);
  begin_step_at(moved, transitions.active());
  next.is_filtered = true;
  // No frame is skipped during a transition, because the result changes even if the input does not.
  const int forced = transitions.active() ? delay() + 1 : 0;
  if (!filter.should_process(target.parameters.similarity_filter, in, has_result, delay(), forced)) {
    next.skipped = std::ssize(in);
    return false;
  }
  run_timed(timers.encode, [&] { codec.encode(context(), in, new_input.view()); });
  next.new_input_is_noise = false;
  set_labels(in);
  return true;
}

std::size_t Stream::Impl::generate(std::span<OutputFrame> out) {
  check_output(out, labels.size(), options);
  begin_generation();
  draw_noise(new_input.view(), new_input_noise);
  const std::size_t finished = finish_generation(out);
  target.noise->commit();
  return finished;
}

std::size_t Stream::Impl::generate(std::span<const float> noise, std::span<OutputFrame> out) {
  check_output(out, labels.size(), options);
  check_noise(noise, static_cast<std::size_t>(steps()), options);
  begin_generation();
  take_noise(noise);
  return finish_generation(out);
}

void Stream::Impl::begin_generation() {
  Transitions stopped = transitions;
  stopped.stop();
  begin_step_at(stopped, transitions.active());
}

/// Denoises new_input, which is noise, and makes the step's results the stream's state.
std::size_t Stream::Impl::finish_generation(std::span<OutputFrame> out) {
  next.new_input_is_noise = true;
  std::int64_t number = generated;
  for (FrameLabel& label : labels) {
    label = {.number = number++, .shown = true};
  }
  const std::size_t finished = denoise_input(out);
  commit();
  generated = number;
  return finished;
}

std::size_t Stream::Impl::drain(std::span<OutputFrame> out) {
  check_output(out, labels.size(), options);
  restore_rows();
  for (FrameLabel& label : labels) {  // repeats the last input, unseen, to push out the frames in flight
    label.shown = false;
  }
  while (batch && batch->in_flight()) {
    begin_step_at(transitions, false);
    const std::size_t finished = denoise_input(out);
    commit();
    if (finished > 0) {
      return finished;
    }
  }
  if (batch) {
    batch->clear();
  }
  has_result = false;
  filter.forget();
  return 0;
}

/// Begins a step with the transitions at the point `at`. `move` is true if the rows must be set to that
/// point.
void Stream::Impl::begin_step_at(const Transitions& at, bool move) {
  next = {.transitions = at, .new_input_is_noise = {}};
  if (move || !rows_are_set) {
    set_rows(target, at);
  }
}

void Stream::Impl::commit() {
  if (next.new_input_is_noise) {
    device().copy(new_input.view(), input.view());
    std::swap(new_input_noise, input_noise);
    input_is_noise = *next.new_input_is_noise;
  }
  if (batch && next.steps > 0) {
    batch->commit();
  }
  if (next.has_result) {
    std::swap(result, next_result);
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

/// Copies noise of the caller's, ordered by frame, into new_input and new_input_noise, which is ordered by
/// step.
void Stream::Impl::take_noise(std::span<const float> noise) {
  const std::int64_t columns = options.frame_buffer_size;
  const std::size_t row_size = latent_shape_of(options).elements();
  size_rows(new_input_noise, steps() * columns);
  for (std::int64_t row = 0; row < columns * steps(); ++row) {
    const Tensor to = new_input_noise.view().rows(row % steps() * columns + row / steps(), 1);
    upload_nchw(device(), noise.subspan(static_cast<std::size_t>(row) * row_size, row_size), reordered_noise,
                to);
  }
  device().copy(new_input_noise.view().rows(0, columns), new_input.view());
}

void Stream::Impl::size_rows(DeviceTensor& latents, std::int64_t rows) const {
  if (latents.view().shape != codec.latents(rows)) {
    latents = DeviceTensor(device(), codec.latents(rows));
  }
}

void Stream::Impl::set_labels(std::span<const InputFrame> frames) {
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

DenoisingRows* Stream::Impl::begin_step() {
  return batch ? &batch->begin_step(denoising_input(), batch->empty() ? first_x0() : Tensor{}) : nullptr;
}

void Stream::Impl::announce_call(int call, int calls) const {
  if (options.on_denoising_step && !options.on_denoising_step({.call = call, .calls = calls})) {
    throw Cancelled("on_denoising_step stopped the stream's call");
  }
}

std::size_t Stream::Impl::finish_step(std::span<OutputFrame> out) {
  Tensor x0;
  if (batch) {
    x0 = batch->end_step(labels);
  } else {
    run_timed(timers.unet, [&] {
      x0 = sequential->run(context(), denoising_input(),
                           [this](int call) { announce_call(call, static_cast<int>(steps())); });
    });
  }
  next.steps = batch ? 1 : steps();
  return write_result(x0, batch ? batch->finished() : labels, out);
}

std::size_t Stream::Impl::denoise_input(std::span<OutputFrame> out) {
  if (DenoisingRows* const rows = begin_step()) {
    announce_call(0, 1);
    run_timed(timers.unet, [&] {
      Context calling = context();
      rows->denoise(calling);
    });
  }
  return finish_step(out);
}

/// Writes the finished frames of a step, unless they only fill the batch. Keeps them as next_result.
std::size_t Stream::Impl::write_result(const Tensor& x0, std::span<const FrameLabel> finished,
                                       std::span<OutputFrame> out) {
  if (!finished.front().shown) {
    return 0;
  }
  device().copy(x0, next_result.x0.view());
  next_result.has_images = false;
  std::ranges::copy(finished, next_result.labels.begin());
  write_frames(next_result, out);
  next.has_result = true;
  return out.size();
}

void Stream::Impl::repeat_result(std::span<OutputFrame> out) { write_frames(result, out); }

void Stream::Impl::write_frames(Result& from, std::span<OutputFrame> out) {
  const bool has_image =
      std::ranges::any_of(out, [](const OutputFrame& frame) { return !frame.image.empty(); });
  run_timed(timers.decode, [&] {
    const Tensor images = has_image ? decode_result(from) : Tensor{};
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      codec.write(context(), has_image ? images.rows(row, 1) : Tensor{}, from.x0.view().rows(row, 1), out[i]);
    }
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].number = from.labels[i].number;
    out[i].time = from.labels[i].time;
  }
}

/// Returns the images of a result. They are kept if the similarity filter may ask for them again.
Tensor Stream::Impl::decode_result(Result& from) {
  if (from.has_images) {
    return from.images.view();
  }
  const Tensor images = codec.decode(context(), from.x0.view());
  if (target.parameters.similarity_filter.enabled) {
    for (Result* const kept : {&result, &next_result}) {  // both, so that later steps allocate nothing
      if (kept->images.view().empty()) {
        kept->images = DeviceTensor(device(), images.shape);
      }
    }
    device().copy(images, from.images.view());
    from.has_images = true;
  }
  return images;
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

void Stream::Impl::generate_image(const InputFrame* in, OutputFrame& out) {
  check_output(std::span(&out, 1), 1, options);
  restore_rows();
  SequentialDenoiser& denoiser = image_denoiser_of(1);
  if (in != nullptr) {
    const std::span<const InputFrame> one(in, 1);
    check_input(one, 1, options);
    run_timed(timers.encode, [&] { codec.encode(context(), one, image_input.view()); });
  } else {
    draw_noise(image_input.view(), image_noise);
  }
  finish_images(denoiser, in == nullptr, std::span(&out, 1));
  out.number = in != nullptr ? in->number : generated;
  out.time = in != nullptr ? in->time : std::chrono::microseconds{0};
  if (in == nullptr) {
    target.noise->commit();
    ++generated;
  }
}

void Stream::Impl::generate_images(std::span<const std::uint32_t> variations, std::span<OutputFrame> out) {
  check_output(out, variations.size(), options);
  if (variations.empty()) {
    return;
  }
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
  finish_images(denoiser, true, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].number = variations[i];
  }
}

/// Denoises image_input and decodes the results into `out`.
void Stream::Impl::finish_images(SequentialDenoiser& denoiser, bool is_noise, std::span<OutputFrame> out) {
  Tensor x0;
  run_timed(timers.unet, [&] {
    x0 = denoiser.run(context(),
                      {.latents = image_input.view(),
                       .is_noise = is_noise,
                       .noise = is_noise ? image_noise.view() : Tensor{}},
                      [this](int call) { announce_call(call, static_cast<int>(steps())); });
  });
  statistics.steps += steps();
  run_timed(timers.decode, [&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Tensor latents = x0.rows(static_cast<std::int64_t>(i), 1);
      codec.write(context(), out[i].image.empty() ? Tensor{} : codec.decode(context(), latents), latents,
                  out[i]);
    }
  });
  add_times();
}

void Stream::Impl::encode(const ImageView& image, std::span<float> values) {
  const InputFrame in(image);
  OutputFrame out;
  out.latents = values;
  check_input(std::span(&in, 1), 1, options);
  check_output(std::span(&out, 1), 1, options);
  const Tensor latents = image_input.view().rows(0, 1);
  codec.encode(context(), std::span(&in, 1), latents);
  codec.write(context(), {}, latents, out);
}

void Stream::Impl::decode(std::span<const float> values, const MutableImageView& image) {
  if (image.empty()) {
    throw ArgumentError("decode is given no image to write to");
  }
  InputFrame in;
  in.latents = values;
  const OutputFrame out(image);
  check_input(std::span(&in, 1), 1, options);
  check_output(std::span(&out, 1), 1, options);
  const Tensor latents = image_input.view().rows(0, 1);
  codec.encode(context(), std::span(&in, 1), latents);
  codec.write(context(), codec.decode(context(), latents), latents, out);
}

}  // namespace streamdiffusion
