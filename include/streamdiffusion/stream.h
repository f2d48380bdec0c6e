#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "streamdiffusion/frame.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The properties of a stream that cannot change later.
struct StreamOptions {
  int width = 512;   ///< Frame width in pixels: a multiple of ModelInfo::size_multiple, at most 65536.
  int height = 512;  ///< Frame height in pixels, with the limits of the width.
  int frame_buffer_size = 1;  ///< Frames that go through each step together, 1 to 1024.
  /// True: the denoising steps of successive frames run as one batch. False: the n steps of a frame run one
  /// after another, in n UNet calls, without delay.
  bool use_denoising_batch = true;
};

enum class StepResult {
  processed,  ///< The frames went through the networks.
  skipped,    ///< The similarity filter skipped the frames; the last result is returned again.
};

struct StreamStatistics {
  std::int64_t steps = 0;    ///< UNet calls that this stream took part in.
  std::int64_t skipped = 0;  ///< Frames that the similarity filter skipped.
  double encode_seconds = 0;
  double unet_seconds = 0;
  double decode_seconds = 0;
  /// Floating-point operations of convolutions, linear layers and attention by their plain formulas; a
  /// multiply-add counts as two. Only the device "counting" counts them; others leave 0.
  double operations = 0;
};

/// One stream of frames through a model, with the state of its denoising batch (the paper's Stream Batch).
///
/// `step` takes frame_buffer_size frames and returns the frames that are finished. With n denoising steps, a
/// frame comes out n - 1 steps after it went in, with its own number and time. The first frames fill the
/// whole batch, so no output is computed from empty rows.
///
/// Calls are synchronous; see Model for thread-safety. All methods throw Error if frames or parameters do not
/// fit, and Error or std::bad_alloc if memory does not suffice. The stream is then as it was before the call,
/// except that `drain` keeps the steps that were complete.
class Stream {
 public:
  Stream(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  [[nodiscard]] const StreamOptions& options() const;
  [[nodiscard]] const Parameters& parameters() const;

  /// Changes the parameters from the next step on, for all rows in flight. Only a new prompt or a changed
  /// LoRA scale is expensive. With more denoising steps than before, some steps return no frame. With fewer,
  /// frames in flight without a row are lost.
  void set_parameters(const Parameters& parameters);

  /// Runs one step of image to image. `in` holds exactly frame_buffer_size frames of the stream's size. `out`
  /// receives the finished frames, none or frame_buffer_size of them; the memory of its frames is reused. A
  /// skipped step returns the last result with that result's numbers and times.
  StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out);

  /// Returns frames that are in flight after the last `step`. Each call returns those of one step; `out` is
  /// empty when none is left.
  void drain(std::vector<Frame>& out);

  /// Runs one step of text to image, with fresh noise for each image. The noise follows the stream's fixed
  /// noise in the same random sequence: first an image's starting noise, then the noise added between its
  /// steps. `out` is as for `step`; images are numbered from 0.
  void generate(std::vector<Frame>& out);

  /// Generates one finished image for each variation v from text. It uses the noise of the seed plus v, as
  /// diffusers' StableDiffusionPipeline draws it for that seed. Frame::number is the variation. Frames in
  /// flight and the noise of other images do not change.
  void generate_images(std::span<const std::uint32_t> variations, std::vector<Frame>& out);

  /// True if frames are in flight, which `drain` would return.
  [[nodiscard]] bool in_flight() const;

  /// Returns one finished image: image to image of `in`, with the stream's fixed noise. Frames in flight do
  /// not change.
  Frame generate_image(const Frame& in);
  /// Returns one finished image: text to image, with fresh noise as `generate` draws it. Frames in flight do
  /// not change.
  Frame generate_image();

  [[nodiscard]] const StreamStatistics& statistics() const;

  struct Impl;  ///< Internal to the library.
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// The arguments and the result of one stream's step in `step_streams`; the pointers must not be null.
struct StreamStep {
  Stream* stream = nullptr;
  const std::vector<Frame>* in = nullptr;
  std::vector<Frame>* out = nullptr;
  StepResult result = StepResult::processed;  ///< Set by step_streams.
};

/// Runs `Stream::step` of several streams, each listed at most once. Streams with the same model, LoRA scales
/// and size share one UNet call, which uses the device better if each has few rows.
///
/// Throws as Stream::step does, and then leaves all streams as they were.
void step_streams(std::span<StreamStep> steps);

}  // namespace streamdiffusion
