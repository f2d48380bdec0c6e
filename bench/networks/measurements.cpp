#include "networks/measurements.h"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <system_error>

#include "model/model_impl.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Fills a tensor with pseudo-random values from -1 to 1, the same each time.
void fill(Device& device, const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8U) / static_cast<float>(1U << 23U) - 1.0F;
  }
  device.upload(values, tensor);
}

/// Splits a name at slashes.
std::vector<std::string> split(const std::string& name) {
  std::istringstream text(name);
  std::vector<std::string> words;
  for (std::string word; std::getline(text, word, '/');) {
    words.push_back(word);
  }
  return words;
}

int number(const std::string& word) {
  int value = 0;
  if (std::from_chars(word.data(), word.data() + word.size(), value).ec != std::errc() || value < 1) {
    throw Error("\"" + word + "\" is no number of denoising steps");
  }
  return value;
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
    throw Error("\"" + name +
                "\" is no network: use text_encoder, unet, vae_encode, vae_decode, frame, steps/N, text/N "
                "or guidance/TYPE/N");
  }
  context_.device.synchronize();
}

void Networks::run_text_encoder() { text_encoder_.forward(context_, ids_, embedding_.view()); }

void Networks::run_unet() {
  unet_.forward(context_, latents_.view(), {time_.view(), text_rows_, {}}, prediction_.view());
}

Measurements::Measurements(const Workload& workload) : workload_(workload) {
  const Clock::time_point start = Clock::now();
  ModelOptions options;
  options.path = workload.model;
  options.vae = workload.vae;
  options.device = workload.device;
  options.threads = workload.threads;
  options.precision = workload.precision;
  model_ = Model::load(options);
  load_seconds_ = seconds_since(start);

  Model::Impl& model = ModelAccess::impl(*model_);
  weights_ = model.weights({});
  networks_ = std::make_unique<Networks>(model.context(), *weights_, *model.autoencoder, workload,
                                         model.files.tokenizer.tokens_per_prompt());
}

std::unique_ptr<bench::TimedStream> Measurements::make_stream(const std::string& name) const {
  const StreamOptions options{.width = workload_.width, .height = workload_.height};
  const std::vector<std::string> words = split(name);
  if (name == "frame") {
    return std::make_unique<bench::TimedStream>(model_, options, bench::stream_parameters(workload_.rows));
  }
  if (words.size() == 2 && words.front() == "steps") {
    return std::make_unique<bench::TimedStream>(model_, options, bench::stream_parameters(number(words[1])));
  }
  if (words.size() == 2 && words.front() == "text") {
    return std::make_unique<bench::TimedStream>(model_, options, bench::text_parameters(number(words[1])),
                                                bench::TimedStream::Kind::text_to_image);
  }
  if (words.size() == 3 && words.front() == "guidance") {
    return std::make_unique<bench::TimedStream>(
        model_, options, bench::guided_parameters(parse_cfg_type(words[1]), number(words[2])));
  }
  return nullptr;
}

double Measurements::run(const std::string& name) {
  if (!streams_.contains(name)) {
    streams_[name] = make_stream(name);
  }
  if (const auto& stream = streams_[name]) {
    return stream->step();
  }
  const Clock::time_point start = Clock::now();
  networks_->run(name);
  return seconds_since(start);
}

double Measurements::gflop(const std::string& name) {
  const Model::Impl& model = ModelAccess::impl(*model_);
  run(name);  // The first run of a stream's name makes the stream.
  const double before = model.counted_operations();
  run(name);
  return (model.counted_operations() - before) * 1e-9;
}

}  // namespace streamdiffusion
