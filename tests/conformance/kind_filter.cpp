#include <cstddef>
#include <cstring>

#include "kinds.h"
#include "model/model_impl.h"
#include "stream/similarity_filter.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

std::vector<double> read_draws(const Case& c) {
  const FileTensor& file = c.file_tensor("in.uniform");
  if (file.dtype != DType::f64) {
    const std::vector<float> floats = c.tensor("in.uniform").floats();
    return {floats.begin(), floats.end()};
  }
  std::vector<double> draws(static_cast<std::size_t>(file.elements()));
  std::memcpy(draws.data(), file.bytes.data(), file.bytes.size());
  return draws;
}

}  // namespace

Outputs run_filter(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = ModelAccess::impl(*model).context();
  const DeviceTensor images = upload_image(context, c.tensor("in.frames"));
  const Tensor& frames = images.view();
  context.device.map(frames, 2.0F, Activation::none, 1.0F, -1.0F, frames);

  const SimilarityFilterParameters parameters{
      .enabled = true,
      .threshold = c.parameters().at("threshold").get<float>(),
      .max_skip_frame = c.parameters().at("max_skip_frame").get<int>()};
  const std::vector<double> draws = read_draws(c);
  SimilarityFilter filter;
  std::vector<std::int64_t> kept;
  std::int64_t processed = 0;
  for (std::int64_t i = 0; i < frames.shape.n; ++i) {
    // The first frame is not compared and uses no random number.
    const bool keep = i == 0 || filter.decide(parameters,
                                              context.device.cosine_similarity(frames.rows(processed, 1),
                                                                               frames.rows(i, 1)),
                                              draws.at(static_cast<std::size_t>(i - 1)));
    kept.push_back(keep ? 1 : 0);
    processed = keep ? i : processed;
  }
  return {{"out.kept", {{frames.shape.n}, std::move(kept)}}};
}

}  // namespace streamdiffusion::conformance
