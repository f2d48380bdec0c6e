#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "streamdiffusion/export.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/image.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// A UNet call that is about to start. A call of a stream consists of one or more.
struct DenoisingStepInfo {
  int call = 0;   ///< Index of the UNet call within the stream's method.
  int calls = 1;  ///< Number of UNet calls of the method.
};

/// The properties of a stream that cannot change later.
struct StreamOptions {
  int width = 512;   ///< Frame width in pixels: a multiple of ModelInfo::size_multiple, at most 65536.
  int height = 512;  ///< Frame height in pixels, with the limits of the width.
  int frame_buffer_size = 1;  ///< Frames that go through each step together, 1 to 1024.
  /// True: the denoising steps of successive frames run as one batch. False: the n steps of a frame run one
  /// after another, in n UNet calls, without delay.
  bool use_denoising_batch = true;
  /// Called before each UNet call, on the thread that calls the stream. If it returns false, the stream's
  /// method throws Cancelled and the stream is as it was before the method. It must not call the stream.
  std::function<bool(const DenoisingStepInfo&)> on_denoising_step = {};
};

/// The input of a step: an image or its latents.
struct InputFrame {
  /// The image, of the stream's size. It is read during the call only.
  ImageView image = {};
  /// Latents in place of the image, with the shape Stream::latent_shape: [channels][height][width] as in
  /// PyTorch, multiplied by the scaling factor as in diffusers. They must be finite. The similarity filter
  /// does not skip them.
  std::span<const float> latents = {};
  std::int64_t number = 0;  ///< Passed on to the frame's OutputFrame.
  /// Capture or presentation time, passed on to the frame's OutputFrame. Transitions of prompts and noise run
  /// by it.
  std::chrono::microseconds time{0};

  InputFrame() = default;
  /// Takes an image; number and time are 0.
  InputFrame(const ImageView& view) : image(view) {}  // NOLINT(google-explicit-constructor): an image is one
  /// Takes a frame's image, number and time. The frame must outlive this object.
  InputFrame(const Frame& frame)  // NOLINT(google-explicit-constructor)
      : image(frame.view()), number(frame.number), time(frame.time) {}
  /// A temporary frame would be gone before its image is read.
  InputFrame(const Frame&& frame) = delete;
};

/// The memory that a step writes a finished frame to, and the frame's number and time. Memory that is left
/// empty is not written; without an image nothing is decoded. If a call throws, the contents are undefined.
struct OutputFrame {
  MutableImageView image = {};        ///< Has the stream's size, or is empty.
  std::span<float> latents = {};      ///< Receives the finished latents, as InputFrame::latents; or is empty.
  std::int64_t number = 0;            ///< Set to the number of the input. Text to image counts from 0.
  std::chrono::microseconds time{0};  ///< Set to the time of the input.

  OutputFrame() = default;
  /// Takes the memory for an image alone.
  OutputFrame(const MutableImageView& view) : image(view) {}  // NOLINT(google-explicit-constructor)
};

/// The outcome of a step.
struct StepResult {
  /// True if the similarity filter skipped the frames. The last result is then written again, with its
  /// numbers and times.
  bool skipped = false;
  std::size_t finished = 0;  ///< Number of frames that were written: 0 or frame_buffer_size.

  /// True if all fields are equal.
  bool operator==(const StepResult&) const = default;
};

/// Counts and times since the stream was made.
struct StreamStatistics {
  std::int64_t steps = 0;     ///< UNet calls that this stream took part in.
  std::int64_t skipped = 0;   ///< Frames that the similarity filter skipped.
  double encode_seconds = 0;  ///< Time in the autoencoder's encoder.
  double unet_seconds = 0;    ///< Time in the UNet.
  double decode_seconds = 0;  ///< Time in the autoencoder's decoder.
  /// Floating-point operations of convolutions, linear layers and attention by their plain formulas; a
  /// multiply-add counts as two. Only the device "counting" counts them; others leave 0.
  double operations = 0;
};

/// The shape of one frame's latents: [channels][height][width].
struct LatentShape {
  int channels = 0;  ///< Channels of the autoencoder's latents.
  int height = 0;    ///< StreamOptions::height divided by ModelInfo::size_multiple.
  int width = 0;     ///< StreamOptions::width divided by it.
  /// Returns the number of values.
  [[nodiscard]] std::size_t elements() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }
};

/// One stream of frames through a model, with the state of its denoising batch (the paper's Stream Batch).
///
/// `step` takes frame_buffer_size frames and writes the frames that are finished. With n denoising steps, a
/// frame comes out n - 1 steps after it went in, with its own number and time. The first frames fill the
/// whole batch, so no output is computed from empty rows.
///
/// A call reads all inputs before it writes an output, so inputs and outputs may share memory.
///
/// Calls are synchronous; see Model for thread-safety. All methods throw Error if frames or parameters do not
/// fit, Cancelled if on_denoising_step says so, and Error or std::bad_alloc if memory does not suffice. The
/// stream is then as it was before the call, except that `drain` keeps the steps that were complete.
class STREAMDIFFUSION_API Stream {
 public:
  /// Makes a stream and encodes its prompt.
  Stream(std::shared_ptr<Model> model, const StreamOptions& options, const Parameters& parameters);
  ~Stream();
  Stream(Stream&&) noexcept;             ///< Leaves a stream that can only be destroyed or assigned to.
  Stream& operator=(Stream&&) noexcept;  ///< Leaves a stream as the constructor does.

  /// Returns the properties that the stream was made with.
  [[nodiscard]] const StreamOptions& options() const;
  /// Returns the parameters that the last `set_parameters` set.
  [[nodiscard]] const Parameters& parameters() const;
  /// Returns the shape of a frame's latents.
  [[nodiscard]] LatentShape latent_shape() const;

  /// Changes the parameters from the next step on, for all rows in flight. Only a new prompt or a changed
  /// LoRA scale is expensive. With more denoising steps than before, some steps return no frame. With fewer,
  /// frames in flight without a row are lost.
  void set_parameters(const Parameters& parameters);

  /// Runs one step of image to image. `in` and `out` have frame_buffer_size elements each.
  StepResult step(std::span<const InputFrame> in, std::span<OutputFrame> out);

  /// Writes frames that are in flight after the last `step`, those of one step. Returns their number,
  /// frame_buffer_size, or 0 if none is left.
  std::size_t drain(std::span<OutputFrame> out);

  /// Runs one step of text to image, with fresh noise for each image. The noise follows the stream's fixed
  /// noise in the same random sequence: first an image's starting noise, then the noise added between its
  /// steps. Returns the number of finished frames, which are numbered from 0: 0 or frame_buffer_size.
  std::size_t generate(std::span<OutputFrame> out);

  /// Runs one step of text to image, with noise of the caller's. `noise` has latents of the shape
  /// latent_shape for each frame and denoising step: [frame_buffer_size][steps][channels][height][width]. A
  /// frame starts from the latents of its first step; the latents of a later step are added before it. They
  /// must be finite. Returns what the other `generate` returns, and draws no noise.
  std::size_t generate(std::span<const float> noise, std::span<OutputFrame> out);

  /// Generates one finished image for each variation v from text. It uses the noise of the seed plus v, as
  /// diffusers' StableDiffusionPipeline draws it for that seed. OutputFrame::number is the variation. `out`
  /// has one element for each variation. Frames in flight and the noise of other images do not change.
  void generate_images(std::span<const std::uint32_t> variations, std::span<OutputFrame> out);

  /// True if frames are in flight, which `drain` would return.
  [[nodiscard]] bool in_flight() const;

  /// Generates one finished image: image to image of `in`, with the stream's fixed noise. Frames in flight do
  /// not change.
  void generate_image(const InputFrame& in, OutputFrame& out);
  /// Generates one finished image: text to image, with fresh noise as `generate` draws it. Frames in flight
  /// do not change.
  void generate_image(OutputFrame& out);

  /// Encodes an image of the stream's size to latents, as InputFrame::latents. AutoencoderKL gives the mean
  /// of its distribution.
  void encode(const ImageView& image, std::span<float> latents);
  /// Decodes latents to an image of the stream's size.
  void decode(std::span<const float> latents, const MutableImageView& image);

  /// Returns counts and times.
  [[nodiscard]] const StreamStatistics& statistics() const;

  struct Impl;  ///< Internal to the library.

 private:
  friend struct StreamAccess;
  std::unique_ptr<Impl> impl_;
};

/// The arguments and the result of one stream's step in `step_streams`.
struct StreamStep {
  Stream* stream = nullptr;             ///< Must not be null.
  std::span<const InputFrame> in = {};  ///< As for Stream::step.
  std::span<OutputFrame> out = {};      ///< As for Stream::step.
  StepResult result = {};               ///< Set by step_streams.
};

/// Runs `Stream::step` of several streams, each listed at most once. Streams with the same model, LoRA scales
/// and size share one UNet call, which uses the device better if each has few rows.
///
/// Throws as Stream::step does, and then leaves all streams as they were.
STREAMDIFFUSION_API void step_streams(std::span<StreamStep> steps);

}  // namespace streamdiffusion
