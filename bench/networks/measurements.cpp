#include "networks/measurements.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "counting_device.h"
#include "model/model_folder.h"
#include "model/model_impl.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Numbers of about the size that networks see, the same each time.
void fill(Device& device, const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
  }
  device.upload(values, tensor);
}

Frame test_frame(int width, int height) {
  Frame frame;
  frame.resize(width, height);
  for (std::size_t i = 0; i < frame.pixels.size(); ++i) {
    frame.pixels[i] = static_cast<std::uint8_t>((i * 7 + i / 997) % 256);
  }
  return frame;
}

Shape latent_shape(const Workload& workload) {
  return {workload.rows, workload.height / 8, workload.width / 8, 4};
}

}  // namespace

const std::vector<std::string>& measurement_names() {
  static const std::vector<std::string> names = {"text_encoder", "unet", "vae_encode", "vae_decode", "frame"};
  return names;
}

Networks::Networks(Context context, const WeightSet& weights, const Autoencoder& autoencoder,
                   const Workload& workload, std::int64_t prompt_tokens)
    : context_(context),
      unet_(weights.unet()),
      text_encoder_(weights.text_encoder()),
      autoencoder_(autoencoder),
      ids_(static_cast<std::size_t>(prompt_tokens)),
      embedding_(context.device, {1, 1, prompt_tokens, text_encoder_.config().hidden_size}),
      time_(context.device, {workload.rows, 1, 1, unet_.time_width()}),
      image_(context.device, {1, workload.height, workload.width, 3}),
      latents_(context.device, latent_shape(workload)),
      prediction_(context.device, latent_shape(workload)) {
  fill(context.device, image_.view());
  fill(context.device, latents_.view());
  run_text_encoder();
  const std::vector<float> timesteps(static_cast<std::size_t>(workload.rows), 500.0F);
  unet_.time_projections(context_, timesteps, std::nullopt, time_.view());
  text_ = unet_.text_context(context_, embedding_.view());
  text_rows_.assign(static_cast<std::size_t>(workload.rows), text_.get());
}

void Networks::run(const std::string& name) {
  if (name == "text_encoder") {
    run_text_encoder();
  } else if (name == "unet") {
    run_unet();
  } else if (name == "vae_encode") {
    autoencoder_.encode(context_, image_.view(), prediction_.view().rows(0, 1));
  } else if (name == "vae_decode") {
    autoencoder_.decode(context_, latents_.view().rows(0, 1), image_.view());
  } else {
    throw Error("\"" + name + "\" is no network: use text_encoder, unet, vae_encode or vae_decode");
  }
  context_.device.synchronize();
}

void Networks::run_text_encoder() { text_encoder_.forward(context_, ids_, embedding_.view()); }

void Networks::run_unet() {
  unet_.forward(context_, latents_.view(), {time_.view(), text_rows_, {}}, prediction_.view());
}

Measurements::Measurements(const Workload& workload) {
  const Clock::time_point start = Clock::now();
  ModelOptions options;
  options.path = workload.model;
  options.vae = workload.vae;
  options.threads = workload.threads;
  options.device = workload.device;
  options.precision = workload.precision;
  model_ = Model::load(options);
  load_seconds_ = seconds_since(start);

  Model::Impl& model = model_->impl();
  weights_ = model.weights({});
  networks_ = std::make_unique<Networks>(model.context(), *weights_, *model.autoencoder, workload,
                                         model.files.tokenizer.length());
  Parameters parameters;
  parameters.prompt = "a red boat on a lake";
  parameters.t_index_list = t_index_list_for(0.5F, workload.rows);
  stream_ = std::make_unique<Stream>(
      model_, StreamOptions{.width = workload.width, .height = workload.height}, parameters);
  input_ = {test_frame(workload.width, workload.height)};
}

double Measurements::run(const std::string& name) {
  const Clock::time_point start = Clock::now();
  if (name == "frame") {
    stream_->step(input_, output_);
  } else {
    networks_->run(name);
  }
  return seconds_since(start);
}

std::map<std::string, double> count_gflop(const Workload& workload) {
  ModelOptions options;
  options.path = workload.model;
  options.vae = workload.vae;
  const ModelFiles files = ModelFiles::open(options);
  CountingDevice device;
  Arena arena(device);
  WeightSets weight_sets(device, files, 0);
  const std::shared_ptr<WeightSet> weights = weight_sets.get({});
  const std::unique_ptr<Autoencoder> autoencoder = Autoencoder::make(device, files.autoencoder);
  Networks networks({device, arena}, *weights, *autoencoder, workload, files.tokenizer.length());

  std::map<std::string, double> gflop;
  for (const std::string& name : measurement_names()) {
    if (name != "frame") {
      device.reset();
      networks.run(name);
      gflop[name] = device.operations() * 1e-9;
    }
  }
  gflop["frame"] = gflop["unet"] + gflop["vae_encode"] + gflop["vae_decode"];
  return gflop;
}

}  // namespace streamdiffusion
