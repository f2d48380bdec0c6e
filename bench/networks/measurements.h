#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/workbench.h"
#include "device/device_tensor.h"
#include "model/networks/autoencoder.h"
#include "model/weight_set.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// The model to measure, its device, and the size and number of rows to run it with.
struct Workload {
  std::filesystem::path model;
  std::optional<std::filesystem::path> vae;
  int width = 512;   ///< Width of the image in pixels.
  int height = 512;  ///< Height of the image in pixels.
  int rows = 1;      ///< Rows of a UNet call, and denoising steps of the stream.
  std::string device = "cpu";
  int threads = 0;
  std::string precision = "auto";
};

/// The default measurements: text_encoder, unet, vae_encode, vae_decode, and frame, the whole step of a
/// stream. Further names are streams: "steps/N" is image to image in N denoising steps and "text/N" text to
/// image. "guidance/TYPE/N" has N steps with a guidance type.
const std::vector<std::string>& measurement_names();

/// The networks of a model on a device, with input data.
class Networks {
 public:
  Networks(Context context, const WeightSet& weights, const Autoencoder& autoencoder,
           const Workload& workload, std::int64_t prompt_tokens);

  /// Runs one network and waits for its result. Throws Error for an unknown name.
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

/// A loaded model and its measurements. Not thread-safe.
class Measurements {
 public:
  explicit Measurements(const Workload& workload);

  /// Runs a measurement once and returns its seconds. Throws Error for an unknown name.
  double run(const std::string& name);

  /// Floating-point operations of one run in 10^9. The workload's device must be "counting".
  double gflop(const std::string& name);

  /// The time in seconds that loading the model took.
  [[nodiscard]] double load_seconds() const { return load_seconds_; }

 private:
  std::unique_ptr<bench::TimedStream> make_stream(const std::string& name) const;

  std::shared_ptr<Model> model_;
  double load_seconds_ = 0;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<Networks> networks_;
  Workload workload_;
  std::map<std::string, std::unique_ptr<bench::TimedStream>>
      streams_;  // Made at their first run; null for networks.
};

}  // namespace streamdiffusion
