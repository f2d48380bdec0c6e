#include <algorithm>
#include <optional>

#include "kinds.h"
#include "model/model_impl.h"
#include "stream/denoising_batch.h"
#include "stream/sequential_denoiser.h"
#include "stream/step_noise.h"
#include "stream/step_rows.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

constexpr std::int64_t kScale = 8;
constexpr std::int64_t kImageChannels = 3;
constexpr std::int64_t kLatentChannels = 4;

Parameters read_parameters(const nlohmann::json& json) {
  Parameters parameters;
  parameters.prompt = json.at("prompt").get<std::string>();
  parameters.negative_prompt = json.value("negative_prompt", "");
  parameters.t_index_list = json.at("t_index_list").get<std::vector<int>>();
  parameters.num_inference_steps = json.value("num_inference_steps", 50);
  parameters.cfg_type = parse_cfg_type(json.at("cfg_type").get<std::string>());
  parameters.guidance_scale = json.at("guidance_scale").get<float>();
  parameters.delta = json.value("delta", 1.0F);
  parameters.do_add_noise = json.value("do_add_noise", true);
  parameters.seed = json.at("seed").get<std::uint64_t>();
  parameters.cross_frame_attention = json.value("cross_frame_attention", false);
  return parameters;
}

void append(HostTensor& all, const HostTensor& rows) {
  if (all.shape.empty()) {
    all = {rows.shape, std::vector<float>()};
    all.shape[0] = 0;
  }
  all.shape[0] += rows.shape[0];
  std::vector<float>& values = std::get<std::vector<float>>(all.values);
  values.insert(values.end(), rows.floats().begin(), rows.floats().end());
}

/// Runs a stream case. It drives the denoising batch itself, so that latents can be compared and rows can
/// begin as zeros.
class StreamCase {
 public:
  StreamCase(const Case& c, const RunOptions& options)
      : case_(c),
        model_(c.load_model(options)),
        parameters_(read_parameters(c.parameters())),
        latents_{c.parameters().value("frame_buffer_size", 1),
                 c.parameters().at("height").get<int>() / kScale,
                 c.parameters().at("width").get<int>() / kScale, kLatentChannels},
        denoising_(make_denoising_plan(ModelAccess::impl(*model_), parameters_, nullptr)),
        inputs_(upload_image(context(), c.tensor(from_images() ? "in.frames" : "in.latents"))),
        input_(context().device, latents_),
        image_(context().device, with_rows(images(), latents_.n)) {
    if (fresh_noise()) {
      step_noise_ = c.tensor("in.step_noise");
    }
    noise_ = make_noise();
    start();
  }

  Outputs run() {
    HostTensor x0;
    HostTensor images;
    const auto frames = case_.parameters().at("frames").get<std::int64_t>();
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      apply_events(frame);
      const Tensor out = step(frame);
      append(x0, download_image(context(), out));
      ModelAccess::impl(*model_).autoencoder->decode(context_, out, image_.view());
      append(images, download_image(context(), image_.view()));
    }
    return {{"out.timesteps", timesteps()}, {"out.x0", std::move(x0)}, {"out.images", std::move(images)}};
  }

 private:
  [[nodiscard]] Context context() const { return ModelAccess::impl(*model_).context(); }
  [[nodiscard]] bool from_images() const { return case_.parameters().at("input") == "images"; }
  [[nodiscard]] bool batched() const { return case_.parameters().value("use_denoising_batch", true); }
  [[nodiscard]] bool fresh_noise() const { return !batched() && !from_images(); }
  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(denoising_->steps.size()); }
  [[nodiscard]] Shape images() const { return {1, latents_.h * kScale, latents_.w * kScale, kImageChannels}; }

  /// Makes the noise, one row per step. With fresh noise between steps, rows after the first are set for each
  /// frame.
  DeviceTensor make_noise() {
    DeviceTensor noise(context().device, with_rows(latents_, steps()));
    const std::int64_t given = fresh_noise() ? 1 : steps();
    if (case_.has("in.init_noise")) {
      const DeviceTensor init = upload_image(context(), case_.tensor("in.init_noise"));
      context().device.copy(init.view().rows(0, given), noise.view().rows(0, given));
    } else {
      const StepNoise drawn(context(), {{.seed = parameters_.seed}}, given, with_rows(latents_, 1));
      context().device.copy(drawn.fixed(), noise.view().rows(0, given));
    }
    repeat_each_row(context().device, noise.view().rows(0, 1), steps() - given,
                    noise.view().rows(given, steps() - given));
    return noise;
  }

  void start() {
    Device& device = context().device;
    if (!batched()) {
      sequential_ = std::make_unique<SequentialDenoiser>(device, denoising_, noise_.view(), latents_);
    } else if (batch_) {
      batch_->set_denoising(denoising_, noise_.view());
    } else {
      batch_ = std::make_unique<DenoisingBatch>(device, denoising_, noise_.view(), latents_);
    }
  }

  void apply_events(std::int64_t frame) {
    for (const nlohmann::json& event : case_.parameters().value("events", nlohmann::json::array())) {
      if (event.at("frame").get<std::int64_t>() == frame) {
        parameters_.prompt = event.value("prompt", parameters_.prompt);
        parameters_.guidance_scale = event.value("guidance_scale", parameters_.guidance_scale);
        parameters_.delta = event.value("delta", parameters_.delta);
        denoising_ = make_denoising_plan(ModelAccess::impl(*model_), parameters_, denoising_.get());
        start();
      }
    }
  }

  Tensor step(std::int64_t frame) {
    const Tensor& all = inputs_.view();
    for (std::int64_t column = 0; column < latents_.n; ++column) {
      const std::int64_t source = std::min(frame * latents_.n + column, all.shape.n - 1);
      take_input(all.rows(source, 1), column);
    }
    const DenoisingInput input{.latents = input_.view(),
                               .is_noise = !from_images(),
                               .noise = fresh_noise() ? noise_.view() : Tensor{}};
    if (batched()) {
      return batch_->step(context(), input, std::vector<FrameLabel>(static_cast<std::size_t>(latents_.n)));
    }
    if (fresh_noise()) {
      take_step_noise(frame);
    }
    return sequential_->run(context(), input);
  }

  void take_input(const Tensor& source, std::int64_t column) {
    const Tensor row = input_.view().rows(column, 1);
    if (!from_images()) {
      context().device.copy(source, row);
      return;
    }
    const Autoencoder::PixelRange range = ModelAccess::impl(*model_).autoencoder->encode_range();
    const Tensor image = image_.view().rows(0, 1);
    context().device.map(source, range.scale, Activation::none, 1.0F, range.shift, image);
    ModelAccess::impl(*model_).autoencoder->encode(context_, image, row);
  }

  /// Copies a frame's noise, [frame, step, 1, c, h, w], to the rows after the first step's.
  void take_step_noise(std::int64_t frame) {
    const std::int64_t count = (steps() - 1) * latents_.h * latents_.w * latents_.c;
    const std::vector<float>& all = step_noise_.floats();
    const auto first = all.begin() + frame * count;
    if (steps() == 1) {
      return;
    }
    const HostTensor rows{{steps() - 1, latents_.c, latents_.h, latents_.w},
                          std::vector<float>(first, first + count)};
    const DeviceTensor uploaded = upload_image(context(), rows);
    context().device.copy(uploaded.view(), noise_.view().rows(1, steps() - 1));
  }

  [[nodiscard]] HostTensor timesteps() const {
    std::vector<std::int64_t> values;
    for (const DenoisingStep& step : denoising_->steps) {
      values.push_back(step.timestep);
    }
    return {{steps()}, std::move(values)};
  }

  const Case& case_;
  std::shared_ptr<Model> model_;
  Context context_{ModelAccess::impl(*model_).context()};
  Parameters parameters_;
  Shape latents_;
  std::shared_ptr<const DenoisingPlan> denoising_;
  DeviceTensor inputs_;
  DeviceTensor input_;  // The inputs of one step.
  DeviceTensor image_;
  HostTensor step_noise_;
  DeviceTensor noise_;
  std::unique_ptr<DenoisingBatch> batch_;
  std::unique_ptr<SequentialDenoiser> sequential_;
};

}  // namespace

Outputs run_stream(const Case& c, const RunOptions& options) { return StreamCase(c, options).run(); }

}  // namespace streamdiffusion::conformance
