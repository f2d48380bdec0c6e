#include "bench/workbench.h"

#include <algorithm>

#include "bench/scene.h"
#include "bench/stopwatch.h"

namespace streamdiffusion::bench {

namespace {

Parameters with_strength(float strength, int steps) {
  Parameters parameters;
  parameters.prompt = "red apple";
  parameters.t_index_list = t_index_list_for(strength, steps);
  return parameters;
}

}  // namespace

Parameters stream_parameters(int steps) { return with_strength(0.5F, steps); }

Parameters text_parameters(int steps) { return with_strength(1.0F, steps); }

Parameters guided_parameters(CfgType type, int steps) {
  Parameters parameters = stream_parameters(steps);
  parameters.cfg_type = type;
  parameters.guidance_scale = 1.4F;  // above 1, because guidance is off otherwise
  parameters.negative_prompt = "blurry";
  return parameters;
}

TimedStream::TimedStream(const std::shared_ptr<Model>& model, const StreamOptions& options,
                         const Parameters& parameters, Kind kind)
    : stream_(model, options, parameters),
      frames_(stream_),
      kind_(kind),
      in_(Scene(options.width, options.height, Motion::still).frames(options.frame_buffer_size)) {
  while (out_.empty()) {  // a batch that is not full decodes nothing
    step();
  }
}

double TimedStream::step() {
  const Stopwatch watch;
  if (kind_ == Kind::image_to_image) {
    frames_.step(in_, out_);
  } else {
    frames_.generate(out_);
  }
  return watch.seconds() / static_cast<double>(in_.size());
}

Variant stream_variant(const Workbench& bench, const Parameters& parameters, bool denoising_batch,
                       TimedStream::Kind kind) {
  const StreamOptions options{
      .width = bench.width, .height = bench.height, .use_denoising_batch = denoising_batch};
  const auto stream = std::make_shared<TimedStream>(bench.model, options, parameters, kind);
  return [stream] { return stream->step(); };
}

std::int64_t frames_for(double seconds, double frame_seconds, std::int64_t fewest, std::int64_t most) {
  return std::clamp(static_cast<std::int64_t>(seconds / std::max(frame_seconds, 1e-6)), fewest, most);
}

}  // namespace streamdiffusion::bench
