#pragma once

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
#include "stream/stage_timer.h"
#include "stream/step_noise.h"
#include "stream/transition.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// Returns `seeds` of the parameters, or `seed` if that is empty.
std::vector<WeightedSeed> seeds_of(const Parameters& parameters);

/// The state of a stream. A step consists of `begin_input`, `begin_step`, the UNet call, `finish_step` and
/// `commit`.
///
/// A call that throws leaves the stream as it was, because its results are kept apart until `commit`. The
/// rows' denoising and noise are the exception. A device repeats recorded steps only if buffers keep their
/// addresses, so they are set at once. After a failed call, `restore_rows` restores them.
struct Stream::Impl {
  /// The parameters of the stream and the objects made from them.
  struct Target {
    Parameters parameters;
    std::shared_ptr<const DenoisingPlan> denoising;
    std::shared_ptr<StepNoise> noise;
  };
  /// The changes of a step, which `commit` applies to the stream.
  struct NextState {
    Transitions transitions;
    std::optional<bool> new_input_is_noise;  // whether the new input is noise; nullopt: no new input
    bool is_filtered = false;                // the filter has decided on the input
    bool has_shown = false;                  // next_result becomes result
    std::int64_t steps = 0;
    std::int64_t skipped = 0;
  };

  Impl(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);

  void set_parameters(const Parameters& changed);
  StepResult step(std::span<const Frame> in, std::vector<Frame>& out);
  bool begin_input(std::span<const Frame> in, std::vector<Frame>& out);
  DenoisingRows* begin_step();
  void finish_step(std::vector<Frame>& out);
  void commit();
  void drain(std::vector<Frame>& out);
  void generate(std::vector<Frame>& out);
  Frame generate_image(const Frame* in);
  void generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out);

  [[nodiscard]] Shape images() const { return {options.frame_buffer_size, options.height, options.width, 3}; }
  [[nodiscard]] Context context() const { return model->impl().context(); }
  [[nodiscard]] Device& device() const { return *model->impl().device; }
  [[nodiscard]] std::int64_t steps() const {
    return static_cast<std::int64_t>(target.denoising->steps.size());
  }
  [[nodiscard]] int delay() const { return options.use_denoising_batch ? static_cast<int>(steps()) - 1 : 0; }

  /// The timers of a step's stages.
  struct StageTimers {
    explicit StageTimers(Device& device) : encode(device), unet(device), decode(device) {}
    StageTimer encode;
    StageTimer unet;
    StageTimer decode;
  };

  /// Runs `work` and adds the operations that the device counts to the statistics.
  template <typename Work>
  void run_counted(Work&& work) {
    const double before = model->impl().counted_operations();
    work();
    statistics.operations += model->impl().counted_operations() - before;
  }
  /// Runs one stage of a step. `add_times` adds its time to the statistics.
  template <typename Work>
  void run_timed(StageTimer& timer, Work&& work) {
    timer.start();
    run_counted(work);
    timer.stop();
  }
  void add_times();

  [[nodiscard]] Transitions transitions_to(const Target& wanted) const;
  void set_rows(const Target& wanted, const Transitions& at);
  void restore_rows();
  Tensor blend_noise(const Target& wanted, const Transition& transition);
  void draw_noise(const Tensor& latents, DeviceTensor& step_noise) const;
  void begin_step_at(const Transitions& at, bool move);
  void set_labels(std::span<const Frame> frames);
  [[nodiscard]] Tensor first_x0();
  [[nodiscard]] DenoisingInput denoising_input() const;
  void denoise_input(std::vector<Frame>& out);
  void decode_result(const Tensor& x0, std::span<const FrameLabel> finished, std::vector<Frame>& out);
  SequentialDenoiser& image_denoiser_of(std::int64_t count);
  void finish_images(SequentialDenoiser& denoiser, bool is_noise, std::span<Frame> out);
  void size_rows(DeviceTensor& latents, std::int64_t rows) const;

  std::shared_ptr<Model> model;
  StreamOptions options;
  Target target;
  Transitions transitions;
  FrameCodec codec;
  FrameFilter filter;

  // The rows' denoising and noise.
  bool rows_are_set = true;                        // they match target and transitions
  std::shared_ptr<const DenoisingPlan> denoising;  // the target's, or a blended prompt during a transition
  std::vector<float> blended_noise;                // noise during a transition, in PyTorch's order
  DeviceTensor blended_noise_tensor;

  std::unique_ptr<DenoisingBatch> batch;               // null in sequential mode
  std::unique_ptr<SequentialDenoiser> sequential;      // null in batch mode
  std::unique_ptr<SequentialDenoiser> image_denoiser;  // for single images; null until used
  DeviceTensor input;                                  // latents of the last committed input
  bool input_is_noise = false;
  DeviceTensor input_noise;      // noise of the last input for each step, if the input is noise
  DeviceTensor new_input;        // latents of the new input, copied to `input` by `commit`
  DeviceTensor new_input_noise;  // noise of the new input for each step
  DeviceTensor image_input;
  DeviceTensor image_noise;
  std::vector<FrameLabel> labels;  // labels of the new input's frames
  std::int64_t generated = 0;      // number of images generated by text to image
  std::vector<Frame> result;       // frames that came out last
  std::vector<Frame> next_result;  // frames that come out in this step
  bool has_result = false;
  NextState next;
  StageTimers timers;
  StreamStatistics statistics;
};

}  // namespace streamdiffusion
