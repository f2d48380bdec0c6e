#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/spread.h"
#include "bench/turns.h"
#include "streamdiffusion/frame_stream.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::bench {

/// The model, size and time that every part measures with.
struct Workbench {
  ModelOptions model_options = {};  ///< Options that `model` was loaded with.
  std::shared_ptr<Model> model = {};
  int width = 0;
  int height = 0;
  double seconds = 1;  ///< Time for each measurement.
  /// The program, and its options for the same model, for measuring its start.
  std::filesystem::path program = {};
  std::vector<std::string> program_options = {};
};

/// Returns parameters for image to image with strength 0.5 and without guidance, as for most streams.
Parameters stream_parameters(int steps);
/// Returns parameters for text to image.
Parameters text_parameters(int steps);
/// Returns parameters for image to image with guidance.
Parameters guided_parameters(CfgType type, int steps);

/// A stream whose steps are timed. The constructor steps it until frames come out.
class TimedStream {
 public:
  enum class Kind { image_to_image, text_to_image };

  TimedStream(const std::shared_ptr<Model>& model, const StreamOptions& options, const Parameters& parameters,
              Kind kind = Kind::image_to_image);

  /// Runs one step. Returns its seconds per frame of the frame buffer.
  double step();

  [[nodiscard]] Stream& stream() { return stream_; }

 private:
  Stream stream_;
  FrameStream frames_;
  Kind kind_;
  std::vector<Frame> in_;
  std::vector<Frame> out_;
};

/// Makes a stream, and returns a variant that steps it.
Variant stream_variant(const Workbench& bench, const Parameters& parameters, bool denoising_batch = true,
                       TimedStream::Kind kind = TimedStream::Kind::image_to_image);

/// Returns the number of frames that take about `seconds` if one takes `frame_seconds`, clamped to `fewest`
/// to `most`.
std::int64_t frames_for(double seconds, double frame_seconds, std::int64_t fewest, std::int64_t most);

}  // namespace streamdiffusion::bench
