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
/// `finish_step`, `commit`.
///
/// Whatever throws leaves the stream as it was: what a call computes is kept apart until nothing can fail any
/// more. What the rows are denoised with is the exception, for a device repeats recorded steps only where
/// memory stays in its place: it is set at once, and `settle` sets it back where the call has failed.
struct Stream::Impl {
  /// What parameters ask for.
  struct Target {
    Parameters parameters;
    std::shared_ptr<const Denoising> denoising;
    std::shared_ptr<StepNoise> noise;
  };
  /// What a step has found out and `commit` makes the stream's.
  struct NextState {
    Transitions transitions;
    std::optional<bool> taken_is_noise;  // none: no input was taken
    bool is_filtered = false;            // the filter has decided on the input
    bool has_shown = false;              // next_result is the stream's
    std::int64_t steps = 0;
    std::int64_t skipped = 0;
  };

  Impl(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);

  void set_parameters(const Parameters& changed);
  StepResult step(std::span<const Frame> in, std::vector<Frame>& out);
  bool take(std::span<const Frame> in, std::vector<Frame>& out);
  DenoisingRows* begin_step();
  void finish_step(std::vector<Frame>& out);
  void commit();
  void drain(std::vector<Frame>& out);
  void generate(std::vector<Frame>& out);
  Frame picture(const Frame* in);
  void pictures(std::span<const std::uint32_t> variations, std::vector<Frame>& out);

  [[nodiscard]] Shape images() const { return {options.frame_buffer_size, options.height, options.width, 3}; }
  [[nodiscard]] Context context() const { return model->impl().context(); }
  [[nodiscard]] Device& device() const { return *model->impl().device; }
  [[nodiscard]] std::int64_t steps() const {
    return static_cast<std::int64_t>(target.denoising->steps.size());
  }
  [[nodiscard]] int delay() const { return options.use_denoising_batch ? static_cast<int>(steps()) - 1 : 0; }

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

  [[nodiscard]] Transitions transitions_to(const Target& wanted) const;
  void set_rows(const Target& wanted, const Transitions& at);
  void settle();
  Tensor blend_noise(const Target& wanted, const Transition& transition);
  void draw_noise(const Tensor& latents, DeviceTensor& step_noise) const;
  void begin_step_at(const Transitions& at, bool move);
  void set_labels(std::span<const Frame> frames);
  [[nodiscard]] Tensor first_x0();
  [[nodiscard]] DenoisingInput denoising_input() const;
  void denoise_input(std::vector<Frame>& out);
  void show(const Tensor& x0, std::span<const FrameLabel> finished, std::vector<Frame>& out);
  SequentialDenoiser& picture_denoiser_of(std::int64_t count);
  void finish_pictures(SequentialDenoiser& denoiser, bool is_noise, std::span<Frame> out);
  void size_rows(DeviceTensor& latents, std::int64_t rows) const;

  std::shared_ptr<Model> model;
  StreamOptions options;
  Target target;
  Transitions transitions;
  FrameCodec codec;
  FrameFilter filter;

  // What the rows are denoised with.
  bool rows_are_set = true;                    // as target and transitions say
  std::shared_ptr<const Denoising> denoising;  // during a transition with another prompt than the target's
  std::vector<float> blended_noise;            // during a transition
  DeviceTensor blended_noise_tensor;

  std::unique_ptr<DenoisingBatch> batch;                 // null in sequential mode
  std::unique_ptr<SequentialDenoiser> sequential;        // null otherwise
  std::unique_ptr<SequentialDenoiser> picture_denoiser;  // of as many frames as picture_input has
  DeviceTensor input;                                    // what went in last
  bool input_is_noise = false;
  DeviceTensor input_noise;  // with which, where the input is noise
  DeviceTensor taken;        // what goes in, always in the same place: the input from `commit` on
  DeviceTensor taken_noise;
  DeviceTensor picture_input;  // of the pictures made last
  DeviceTensor picture_noise;
  std::vector<FrameLabel> labels;  // of what goes in
  std::int64_t generated = 0;
  std::vector<Frame> result;  // what came out last
  std::vector<Frame> next_result;
  bool has_result = false;
  NextState next;
  StreamStatistics statistics;
};

}  // namespace streamdiffusion
