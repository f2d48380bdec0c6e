#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/spread.h"
#include "bench/turns.h"
#include "streamdiffusion/model.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::bench {

/// What every part measures on.
struct Workbench {
  ModelOptions model_options = {};    ///< for parts that load the model in other ways too
  std::shared_ptr<Model> model = {};  ///< loaded with them
  int width = 0;
  int height = 0;
  double seconds = 1;  ///< for each measurement
  /// The program and its options for the same model, for the part that starts it.
  std::filesystem::path program = {};
  std::vector<std::string> program_options = {};
};

/// Image to image in `steps` steps, as most streams are set: half of the picture drawn anew, no guidance.
Parameters stream_parameters(int steps);
/// Text to image.
Parameters text_parameters(int steps);
/// Image to image with guidance.
Parameters guided_parameters(CfgType type, int steps);

/// A stream that is stepped for its time. It has been stepped until frames come out.
class TimedStream {
 public:
  enum class Kind { image_to_image, text_to_image };

  TimedStream(const std::shared_ptr<Model>& model, const StreamOptions& options, const Parameters& parameters,
              Kind kind = Kind::image_to_image);

  /// One step; the seconds that it took for each frame of the frame buffer.
  double step();

  [[nodiscard]] Stream& stream() { return stream_; }

 private:
  Stream stream_;
  Kind kind_;
  std::vector<Frame> in_;
  std::vector<Frame> out_;
};

/// The measurement of one stream: makes it when it is first run.
Variant stream_variant(const Workbench& bench, const Parameters& parameters, bool denoising_batch = true,
                       TimedStream::Kind kind = TimedStream::Kind::image_to_image);

/// How many frames to take so that they fill the bench's time, given what one takes.
std::int64_t frames_for(double seconds, double frame_seconds, std::int64_t fewest, std::int64_t most);

}  // namespace streamdiffusion::bench
