#include "stream.h"

#include <algorithm>

#include "control/settings_json.h"
#include "settings.h"
#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

using Embeds = std::shared_ptr<const std::vector<float>>;

/// Sets an embedding to what Python gave under this name; None removes it.
void set_embeds(const nb::dict& given, const char* name, const ModelInfo& model, Embeds& embeds) {
  if (!given.contains(name)) {
    return;
  }
  const nb::object value = given[name];
  if (value.is_none()) {
    embeds = nullptr;
    return;
  }
  InputArray array(value, name, "float32");
  require_floats(array, name, {model.prompt_tokens, model.embedding_width});
  const std::span<const float> values = array.floats();
  embeds = std::make_shared<const std::vector<float>>(values.begin(), values.end());
}

}  // namespace

/// The turn of a call that `cancel` stops, also while it waits for the turn. Throws ArgumentError if the
/// stream is closed.
class PythonStream::WatchedTurn {
 public:
  WatchedTurn(PythonStream& python, nb::handle on_step)
      : cancellations_(python.watch_.cancellations()),
        turn_(python.model_->calls, [&] { return python.watch_.cancellations() != cancellations_; }),
        stream_(python.open_stream()) {
    python.watch_.begin(on_step, cancellations_);
  }

  [[nodiscard]] Stream& stream() const { return stream_; }

 private:
  std::uint64_t cancellations_;
  CallQueue::Turn turn_;
  Stream& stream_;
};

PythonStream::PythonStream(std::shared_ptr<PythonModel> model, const StreamOptions& options,
                           const std::string& settings, const nb::dict& embeds)
    : model_(std::move(model)), frame_buffer_size_(options.frame_buffer_size) {
  StreamOptions watched = options;
  watched.on_denoising_step = [this](const DenoisingStepInfo& step) { return watch_.goes_on(step); };
  const CallQueue::Turn turn(model_->calls);
  settings_ = changed({}, settings, embeds);
  const GilRelease released;
  stream_ = std::make_unique<Stream>(model_->shared.model, watched, make_parameters(settings_.settings));
  shapes_ = {.width = options.width, .height = options.height, .latents = stream_->latent_shape()};
}

Stream& PythonStream::open_stream() {
  if (!stream_) {
    throw ArgumentError("this stream is closed; make another one");
  }
  return *stream_;
}

template <typename Call>
auto PythonStream::run(nb::handle on_step, Call&& call) {
  const WatchedTurn turn(*this, on_step);
  const GilRelease released;
  return call(turn.stream());
}

SettingsWithLoras PythonStream::changed(SettingsWithLoras settings, const std::string& json,
                                        const nb::dict& embeds) const {
  update_loras(model_->shared, settings);
  apply_json(parse_settings(json), settings.settings);
  Parameters& parameters = settings.settings.parameters;
  const ModelInfo& model = model_->model().info();
  set_embeds(embeds, "prompt_embeds", model, parameters.prompt_embeds);
  set_embeds(embeds, "negative_prompt_embeds", model, parameters.negative_prompt_embeds);
  return settings;
}

void PythonStream::set(const std::string& settings, const nb::dict& embeds) {
  const WatchedTurn turn(*this, nb::none());
  SettingsWithLoras wanted = changed(settings_, settings, embeds);
  const GilRelease released;
  turn.stream().set_parameters(make_parameters(wanted.settings));
  settings_ = std::move(wanted);
}

std::string PythonStream::settings() {
  const CallQueue::Turn turn(model_->calls);
  open_stream();
  SettingsWithLoras now = settings_;
  update_loras(model_->shared, now);
  return text_of(to_json(now.settings));
}

nb::list PythonStream::step(const nb::list& inputs, const std::string& output, nb::handle on_step) {
  const Inputs in(shapes_, inputs);
  Results out(shapes_, parse_output(output), buffer_size());
  const StepResult result =
      run(on_step, [&](Stream& stream) { return stream.step(in.frames(), out.frames()); });
  return out.take(result.finished);
}

/// One stream's part of `step_together`.
struct PythonStream::SharedStep {
  PythonStream* stream;
  nb::handle on_step;
  std::uint64_t cancellations;
  Inputs in;
  Results out;
};

nb::list PythonStream::step_together(const nb::list& steps, const std::string& output) {
  const Output type = parse_output(output);
  std::vector<SharedStep> parts;
  for (const nb::handle step : steps) {
    auto& stream = nb::cast<PythonStream&>(step[0]);
    parts.push_back({.stream = &stream,
                     .on_step = step[2],
                     .cancellations = stream.watch_.cancellations(),
                     .in = Inputs(stream.shapes_, nb::cast<nb::list>(step[1])),
                     .out = Results(stream.shapes_, type, stream.buffer_size())});
    if (stream.model_ != parts.front().stream->model_) {
      throw ArgumentError("the streams have different models; step those of one model together");
    }
  }
  nb::list results;
  if (parts.empty()) {
    return results;
  }
  const CallQueue::Turn turn(parts.front().stream->model_->calls, [&] {
    return std::ranges::any_of(parts, [](const SharedStep& part) {
      return part.stream->watch_.cancellations() != part.cancellations;
    });
  });
  std::vector<StreamStep> together;
  for (SharedStep& part : parts) {
    together.push_back(
        {.stream = &part.stream->open_stream(), .in = part.in.frames(), .out = part.out.frames()});
    part.stream->watch_.begin(part.on_step, part.cancellations);
  }
  {
    const GilRelease released;
    step_streams(together);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    results.append(parts[i].out.take(together[i].result.finished));
  }
  return results;
}

nb::list PythonStream::drain(const std::string& output, nb::handle on_step) {
  Results out(shapes_, parse_output(output), buffer_size());
  return out.take(run(on_step, [&](Stream& stream) { return stream.drain(out.frames()); }));
}

nb::list PythonStream::generate(const std::string& output, nb::handle on_step) {
  Results out(shapes_, parse_output(output), buffer_size());
  return out.take(run(on_step, [&](Stream& stream) { return stream.generate(out.frames()); }));
}

nb::list PythonStream::generate_from(nb::handle noise, const std::string& output, nb::handle on_step) {
  InputArray array(noise, "noise", "float32");
  require_noise(array, shapes_, frame_buffer_size_);
  const std::span<const float> values = array.floats();
  Results out(shapes_, parse_output(output), buffer_size());
  return out.take(run(on_step, [&](Stream& stream) { return stream.generate(values, out.frames()); }));
}

nb::list PythonStream::generate_image(const nb::list& input, const std::string& output, nb::handle on_step) {
  const Inputs in(shapes_, input);
  Results out(shapes_, parse_output(output), 1);
  run(on_step, [&](Stream& stream) {
    if (in.frames().empty()) {
      stream.generate_image(out.frames().front());
    } else {
      stream.generate_image(in.frames().front(), out.frames().front());
    }
  });
  return out.take(1);
}

nb::list PythonStream::generate_images(const std::vector<std::uint32_t>& variations,
                                       const std::string& output, nb::handle on_step) {
  Results out(shapes_, parse_output(output), variations.size());
  run(on_step, [&](Stream& stream) { stream.generate_images(variations, out.frames()); });
  return out.take(variations.size());
}

nb::object PythonStream::encode(nb::handle image) {
  InputArray array(image, "image");
  require_image(array, shapes_);
  const ImageView view = array.image();
  const LatentShape& shape = shapes_.latents;
  const NewArray latents({shape.channels, shape.height, shape.width}, Output::latents);
  run(nb::none(), [&](Stream& stream) { stream.encode(view, latents.floats()); });
  return latents.array();
}

nb::object PythonStream::decode(nb::handle latents, const std::string& output) {
  const Output type = parse_output(output);
  if (type == Output::latents) {
    throw ArgumentError("output is \"latents\", an image is \"uint8\" or \"float32\"");
  }
  InputArray array(latents, "latents", "float32");
  const LatentShape& shape = shapes_.latents;
  require_floats(array, "latents", {shape.channels, shape.height, shape.width});
  const std::span<const float> values = array.floats();
  const NewArray image({shapes_.height, shapes_.width, 3}, type);
  run(nb::none(), [&](Stream& stream) { stream.decode(values, image.image()); });
  return image.array();
}

void PythonStream::close() {
  const CallQueue::Turn turn(model_->calls);
  stream_ = nullptr;
}

bool PythonStream::in_flight() {
  const CallQueue::Turn turn(model_->calls);
  return open_stream().in_flight();
}

StreamStatistics PythonStream::statistics() {
  const CallQueue::Turn turn(model_->calls);
  return open_stream().statistics();
}

}  // namespace streamdiffusion::python
