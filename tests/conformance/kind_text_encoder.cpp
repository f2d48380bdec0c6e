#include "kinds.h"
#include "model/model_impl.h"

namespace streamdiffusion::conformance {

Outputs run_text_encoder(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = ModelAccess::impl(*model).context();
  const auto weights = ModelAccess::impl(*model).weights({});
  const ClipText& text_encoder = weights->text_encoder();

  const HostTensor ids = c.tensor("in.ids");
  const std::int64_t rows = ids.shape.at(0);
  const std::int64_t length = ids.shape.at(1);
  const std::int64_t channels = text_encoder.config().hidden_size;
  const DeviceTensor out(context.device, {rows, 1, length, channels});
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto first = static_cast<std::size_t>(row * length);
    text_encoder.forward(context, std::span(ids.integers()).subspan(first, static_cast<std::size_t>(length)),
                         out.view().rows(row, 1));
  }
  std::vector<float> hidden(static_cast<std::size_t>(rows * length * channels));
  context.device.download(out.view(), hidden);
  return {{"out.last_hidden_state", {{rows, length, channels}, std::move(hidden)}}};
}

}  // namespace streamdiffusion::conformance
