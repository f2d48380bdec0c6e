#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "stream/denoising_batch.h"
#include "stream/frame_codec.h"
#include "stream/frame_filter.h"
#include "stream/sequential_denoiser.h"
#include "stream/step_noise.h"
#include "stream/transition.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// The seeds that are asked for.
std::vector<WeightedSeed> seeds_of(const Parameters& parameters);

/// A stream's state, and the parts that a step consists of: `take`, `begin_step`, the UNet's call,
/// `finish_step`.
struct Stream::Impl {
  Impl(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);

  void set_parameters(const Parameters& changed);
  StepResult step(std::span<const Frame> in, std::vector<Frame>& out);
  bool take(std::span<const Frame> in, std::vector<Frame>& out);
  DenoisingRows* begin_step();
  void finish_step(std::vector<Frame>& out);
  void drain(std::vector<Frame>& out);
  void generate(std::vector<Frame>& out);
  Frame picture(const Frame* in);
  void pictures(std::span<const std::uint32_t> variations, std::vector<Frame>& out);

  [[nodiscard]] Shape images() const { return {options.frame_buffer_size, options.height, options.width, 3}; }
  [[nodiscard]] Context context() const { return model->impl().context(); }
  [[nodiscard]] Device& device() const { return *model->impl().device; }
  [[nodiscard]] int delay() const {
    return options.use_denoising_batch ? static_cast<int>(denoising->steps.size()) - 1 : 0;
  }

  /// Runs `work`; adds the time that it took, and what it asked of a device that counts.
  template <typename Work>
  void timed(double& seconds, Work&& work) {
    const double operations = device().operations();
    const auto start = std::chrono::steady_clock::now();
    work();
    device().synchronize();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    statistics.operations += device().operations() - operations;
  }

  void start_transitions(const Parameters& changed, const Denoising& next);
  void advance_transitions(std::chrono::microseconds time);
  void end_transitions();
  void use_target();
  Tensor blend_noise();
  void draw_noise(StepNoise& from, const Tensor& latents, DeviceTensor& step_noise) const;
  void set_labels(std::span<const Frame> frames);
  void prime();
  [[nodiscard]] DenoisingInput denoising_input() const;
  void denoise_input(std::vector<Frame>& out);
  void show(const Tensor& x0, std::span<const FrameLabel> finished, std::vector<Frame>& out);
  SequentialDenoiser& picture_denoiser_of(std::int64_t count);
  void finish_pictures(SequentialDenoiser& denoiser, bool is_noise, std::span<Frame> out);
  void size_rows(DeviceTensor& latents, std::int64_t rows) const;

  std::shared_ptr<Model> model;
  StreamOptions options;
  Parameters parameters;
  std::shared_ptr<const Denoising> target;     // what the parameters ask for
  std::shared_ptr<const Denoising> denoising;  // what is used: during a transition with another prompt
  FrameCodec codec;
  FrameFilter filter;
  std::unique_ptr<StepNoise> noise;
  Transition prompt_transition;
  Transition noise_transition;
  std::vector<float> blended_noise;  // during a transition
  DeviceTensor blended_noise_tensor;
  std::optional<std::chrono::microseconds> last_time;    // of a frame that was stepped
  std::unique_ptr<DenoisingBatch> batch;                 // null in sequential mode
  std::unique_ptr<SequentialDenoiser> sequential;        // null otherwise
  std::unique_ptr<SequentialDenoiser> picture_denoiser;  // of as many frames as picture_input has
  DeviceTensor input;                                    // what went in last
  bool input_is_noise = false;
  DeviceTensor input_noise;    // with which, where the input is noise
  DeviceTensor picture_input;  // of the pictures made last
  DeviceTensor picture_noise;
  std::vector<FrameLabel> labels;  // of the input
  std::int64_t generated = 0;
  std::vector<Frame> result;  // what came out last
  bool has_result = false;
  StreamStatistics statistics;
};

}  // namespace streamdiffusion
