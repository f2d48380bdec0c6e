#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/autoencoder.h"
#include "model/weight_set.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// What is measured on: a model at one size and number of rows.
struct Workload {
  std::filesystem::path model;
  std::optional<std::filesystem::path> vae;
  int width = 512;
  int height = 512;
  int rows = 1;  ///< rows of a UNet call; denoising steps of the stream
  int threads = 0;
  std::string device = "cpu";
  std::string precision = "auto";
};

/// The names of what can be measured: text_encoder, unet, vae_encode, vae_decode, and frame, the whole step
/// of a stream.
const std::vector<std::string>& measurement_names();

/// The networks of a model with something to compute on, on any device.
class Networks {
 public:
  Networks(Context context, const WeightSet& weights, const Autoencoder& autoencoder,
           const Workload& workload, std::int64_t prompt_tokens);

  /// Runs one of them but `frame`, until its result is there.
  void run(const std::string& name);

 private:
  void run_text_encoder();
  void run_unet();

  Context context_;
  const UNet2DCondition& unet_;
  const ClipText& text_encoder_;
  const Autoencoder& autoencoder_;
  std::vector<std::int64_t> ids_;
  DeviceTensor embedding_;
  DeviceTensor time_;
  DeviceTensor image_;
  DeviceTensor latents_;
  DeviceTensor prediction_;
  std::unique_ptr<TextContext> text_;
  std::vector<const TextContext*> text_rows_;
};

/// The model loaded for its device, with all measurements ready to run.
class Measurements {
 public:
  explicit Measurements(const Workload& workload);

  /// Seconds that one run takes. Throws Error for an unknown name.
  double run(const std::string& name);

  /// Seconds that loading took.
  [[nodiscard]] double load_seconds() const { return load_seconds_; }

 private:
  std::shared_ptr<Model> model_;
  double load_seconds_ = 0;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<Stream> stream_;
  std::vector<Frame> input_;
  std::vector<Frame> output_;
};

/// Floating-point operations of each measurement, in 10^9.
std::map<std::string, double> count_gflop(const Workload& workload);

}  // namespace streamdiffusion
