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

/// What is fixed when a stream is made.
struct StreamOptions {
  int width = 512;            ///< of the frames that come out; a multiple of ModelInfo::size_multiple
  int height = 512;           ///< likewise
  int frame_buffer_size = 1;  ///< frames that go through each step together
  /// false runs the steps of one frame one after the other (no delay, n UNet calls a frame) instead of as a
  /// batch.
  bool use_denoising_batch = true;
};

enum class StepResult {
  processed,  ///< the frames went through the networks
  skipped,    ///< the similarity filter skipped them; the last result is given again
};

struct StreamStatistics {
  std::int64_t steps = 0;    ///< UNet steps run
  std::int64_t skipped = 0;  ///< frames that the similarity filter skipped
  double encode_seconds = 0;
  double unet_seconds = 0;
  double decode_seconds = 0;
  /// Floating-point operations of convolutions, linear layers and attention as the plain formulas have them,
  /// two for each multiplication and addition; counted by the device "counting" alone, else 0.
  double operations = 0;
};

/// One stream of frames through a model: the paper's denoising batch with its state.
///
/// `step` takes frame_buffer_size frames and gives the frames that are finished. With n denoising steps a
/// frame comes out n - 1 steps after it went in; it carries its own number and time. The first frames prime
/// the batch, so nothing that comes out is computed from empty rows. Synchronous; see Model for
/// thread-safety. All methods throw Error on frames or parameters that do not fit, and Error or
/// std::bad_alloc where memory does not suffice. Each leaves the stream as it was then; of several steps that
/// `drain` takes, those that were complete remain.
class Stream {
 public:
  Stream(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  [[nodiscard]] const StreamOptions& options() const;
  [[nodiscard]] const Parameters& parameters() const;

  /// Takes effect at the next step, on all rows in flight. Cheap unless the prompt is new or a LoRA scale
  /// changes. With more denoising steps than before, steps follow that give no frame; with fewer, frames in
  /// flight for which no row is left are lost.
  void set_parameters(const Parameters& parameters);

  /// One step of image to image. `in`: exactly frame_buffer_size frames of options().width x height. `out`
  /// receives the finished ones, none or frame_buffer_size of them (its frames' memory is used again).
  /// Numbers and times are those of the frames shown, also where a skipped frame brings the last result
  /// again.
  StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out);

  /// The frames still in flight after the last `step`, one call for each step, until it gives none.
  void drain(std::vector<Frame>& out);

  /// One step of text to image, with fresh noise for each picture: where it begins, then what is added
  /// between its steps (drawn after the fixed noise, from the same generator). `out` as for `step`; pictures
  /// are numbered from 0.
  void generate(std::vector<Frame>& out);

  /// Text to image: one finished picture for each variation, the one that diffusers' StableDiffusionPipeline
  /// gives for a seed higher by v: its noise is the fixed noise of that seed, the first step's being where
  /// the picture begins. Does not touch the frames in flight, nor the noise of other pictures. Numbers are
  /// the variations.
  void pictures(std::span<const std::uint32_t> variations, std::vector<Frame>& out);

  /// Whether frames are in flight, which `drain` would give.
  [[nodiscard]] bool in_flight() const;

  /// One finished picture: image to image of `in`, with the stream's fixed noise, or text to image without
  /// one, with fresh noise as `generate` draws it. Does not touch the frames in flight.
  Frame picture(const Frame& in);
  Frame picture();

  [[nodiscard]] const StreamStatistics& statistics() const;

  struct Impl;  ///< for the library's own use
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// One stream's part in `step_together`.
struct StreamStep {
  Stream* stream = nullptr;
  const std::vector<Frame>* in = nullptr;
  std::vector<Frame>* out = nullptr;
  StepResult result = StepResult::processed;  ///< set by step_together
};

/// `Stream::step` of several streams, each at most once. Those that have model, LoRA scales and size in
/// common share one UNet call: faster where the rows of one stream are too few to keep the device busy.
/// Throws as `step` does where the frames of one of them do not fit or memory does not suffice, and leaves
/// all as they were.
void step_together(std::span<StreamStep> steps);

}  // namespace streamdiffusion
