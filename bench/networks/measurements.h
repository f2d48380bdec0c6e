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

/// What is measured on: a model at one size and number of rows.
struct Workload {
  std::filesystem::path model;
  std::optional<std::filesystem::path> vae;
  int width = 512;
  int height = 512;
  int rows = 1;  ///< rows of a UNet call; denoising steps of the stream
  std::string device = "cpu";
  int threads = 0;
  std::string precision = "auto";
};

/// The names of what is measured where none is named: text_encoder, unet, vae_encode, vae_decode, and frame,
/// the whole step of a stream. There are more streams: "steps/N", image to image in N denoising steps,
/// "text/N", text to image, and "guidance/TYPE/N", guidance by its name.
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

  /// Floating-point operations of one run, in 10^9, on the device "counting".
  double gflop(const std::string& name);

  /// Seconds that loading took.
  [[nodiscard]] double load_seconds() const { return load_seconds_; }

 private:
  std::unique_ptr<bench::TimedStream> make_stream(const std::string& name) const;

  std::shared_ptr<Model> model_;
  double load_seconds_ = 0;
  std::shared_ptr<WeightSet> weights_;
  std::unique_ptr<Networks> networks_;
  Workload workload_;
  std::map<std::string, std::unique_ptr<bench::TimedStream>> streams_;  // made when they are asked for
};

}  // namespace streamdiffusion
