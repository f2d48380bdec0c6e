#include "model/networks/text_projections.h"

namespace streamdiffusion {

std::size_t TextProjections::add(LayerLoader& layers, const std::string& name,
                                 std::int64_t cross_attention_dim, std::int64_t channels) {
  projections_.push_back({layers.linear({name + ".to_k", name + ".to_v"}, cross_attention_dim, channels,
                                        {.bias = false, .keeps_f32 = true}),
                          channels});
  return projections_.size() - 1;
}

std::unique_ptr<TextContext> TextProjections::forward(Context& context, const Tensor& embedding) const {
  const std::int64_t tokens = embedding.shape.pixels();
  std::int64_t elements = 0;
  for (const Projection& projection : projections_) {
    elements += tokens * projection.channels * 2;
  }
  auto text = std::make_unique<TextContext>();
  text->memory = DeviceTensor(context.device, {.c = elements}, context.device.dtype());
  std::int64_t first = 0;
  for (const Projection& projection : projections_) {
    const std::int64_t width = projection.channels * 2;
    Tensor both = text->memory.view().channels(first, tokens * width);
    both.shape = {.w = tokens, .c = width};
    both.stride = width;
    first += tokens * width;
    context.device.linear(embedding, *projection.keys_and_values, {}, both);
    text->keys.push_back(both.channels(0, projection.channels));
    text->values.push_back(both.channels(projection.channels, projection.channels));
  }
  return text;
}

}  // namespace streamdiffusion
