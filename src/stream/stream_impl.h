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

/// Gives the library's other parts a stream's implementation.
struct StreamAccess {
  static Stream::Impl& impl(const Stream& stream) { return *stream.impl_; }
};

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
    std::uint64_t lora_changes = 0;  // Model::Impl::lora_changes when `denoising` was made
  };
  /// Frames that came out of a step, for steps that the similarity filter skips.
  struct Result {
    DeviceTensor x0;
    DeviceTensor images;  // decoded x0; allocated on first use
    bool has_images = false;
    std::vector<FrameLabel> labels;
  };
  /// The changes of a step, which `commit` applies to the stream.
  struct NextState {
    Transitions transitions;
    std::optional<bool> new_input_is_noise;  // whether the new input is noise; nullopt: no new input
    bool is_filtered = false;                // the filter has decided on the input
    bool has_result = false;                 // next_result becomes result
    std::int64_t steps = 0;
    std::int64_t skipped = 0;
  };

  Impl(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);

  void set_parameters(const Parameters& changed);
  StepResult step(std::span<const InputFrame> in, std::span<OutputFrame> out);
  /// Begins a step and encodes the frames. Returns false if the similarity filter skips them.
  bool begin_input(std::span<const InputFrame> in);
  /// Returns the rows for the UNet call; null in sequential mode.
  DenoisingRows* begin_step();
  /// Returns the number of frames that it wrote to `out`.
  std::size_t finish_step(std::span<OutputFrame> out);
  /// Writes the last result again.
  void repeat_result(std::span<OutputFrame> out);
  /// Makes the results of the step the stream's state. Allocates nothing.
  void commit();
  std::size_t drain(std::span<OutputFrame> out);
  std::size_t generate(std::span<OutputFrame> out);
  std::size_t generate(std::span<const float> noise, std::span<OutputFrame> out);
  void generate_image(const InputFrame* in, OutputFrame& out);
  void generate_images(std::span<const std::uint32_t> variations, std::span<OutputFrame> out);
  void encode(const ImageView& image, std::span<float> values);
  void decode(std::span<const float> values, const MutableImageView& image);

  [[nodiscard]] Shape images() const { return {options.frame_buffer_size, options.height, options.width, 3}; }
  [[nodiscard]] Context context() const { return ModelAccess::impl(*model).context(); }
  [[nodiscard]] Device& device() const { return *ModelAccess::impl(*model).device; }
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
    const double before = ModelAccess::impl(*model).counted_operations();
    work();
    statistics.operations += ModelAccess::impl(*model).counted_operations() - before;
  }
  /// Runs one stage of a step. `add_times` adds its time to the statistics.
  template <typename Work>
  void run_timed(StageTimer& timer, Work&& work) {
    timer.start();
    run_counted(work);
    timer.stop();
  }
  void add_times();

  [[nodiscard]] Result make_result() const;
  [[nodiscard]] Transitions transitions_to(const Target& wanted) const;
  void set_rows(const Target& wanted, const Transitions& at);
  void restore_rows();
  Tensor blend_noise(const Target& wanted, const Transition& transition);
  void draw_noise(const Tensor& latents, DeviceTensor& step_noise) const;
  void take_noise(std::span<const float> noise);
  void begin_generation();
  std::size_t finish_generation(std::span<OutputFrame> out);
  void begin_step_at(const Transitions& at, bool move);
  void set_labels(std::span<const InputFrame> frames);
  [[nodiscard]] Tensor first_x0();
  [[nodiscard]] DenoisingInput denoising_input() const;
  /// Calls on_denoising_step before a UNet call. Throws Cancelled if it returns false.
  void announce_call(int call, int calls) const;
  std::size_t denoise_input(std::span<OutputFrame> out);
  std::size_t write_result(const Tensor& x0, std::span<const FrameLabel> finished,
                           std::span<OutputFrame> out);
  void write_frames(Result& from, std::span<OutputFrame> out);
  Tensor decode_result(Result& from);
  SequentialDenoiser& image_denoiser_of(std::int64_t count);
  void finish_images(SequentialDenoiser& denoiser, bool is_noise, std::span<OutputFrame> out);
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
  std::vector<float> reordered_noise;
  DeviceTensor image_input;
  DeviceTensor image_noise;
  std::vector<FrameLabel> labels;  // labels of the new input's frames
  std::int64_t generated = 0;      // number of images generated by text to image
  Result result;                   // what came out last
  Result next_result;              // what comes out in this step
  bool has_result = false;
  NextState next;
  StageTimers timers;
  StreamStatistics statistics;
};

}  // namespace streamdiffusion
