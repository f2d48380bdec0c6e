#include "kinds.h"
#include "model/model_impl.h"

namespace streamdiffusion::conformance {

namespace {

std::optional<float> guidance_embedding(const Case& c) {
  const auto found = c.parameters().find("guidance_embedding");
  return found == c.parameters().end() ? std::nullopt : std::optional<float>(found->get<float>());
}

}  // namespace

Outputs run_unet(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = model->impl().context();
  const auto weights = model->impl().weights({});
  const UNet2DCondition& unet = weights->unet();

  const DeviceTensor sample = upload_image(context, c.tensor("in.sample"));
  const Shape& shape = sample.view().shape;

  const HostTensor timesteps = c.tensor("in.timestep");
  const DeviceTensor time(context.device, {shape.n, 1, 1, unet.time_width()});
  unet.time_projections(context, std::vector<float>(timesteps.integers().begin(), timesteps.integers().end()),
                        guidance_embedding(c), time.view());

  const DeviceTensor embeddings = upload_tokens(context, c.tensor("in.encoder_hidden_states"));
  std::vector<std::unique_ptr<TextContext>> texts;
  std::vector<const TextContext*> text_of_row;
  for (std::int64_t row = 0; row < shape.n; ++row) {
    texts.push_back(unet.text_context(context, embeddings.view().rows(row, 1)));
    text_of_row.push_back(texts.back().get());
  }

  const DeviceTensor out(context.device, with_channels(shape, unet.config().out_channels));
  unet.forward(context, sample.view(), {.time = time.view(), .text = text_of_row, .self_attention = {}},
               out.view());
  return {{"out.sample", download_image(context, out.view())}};
}

}  // namespace streamdiffusion::conformance
