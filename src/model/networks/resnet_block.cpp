#include "model/networks/resnet_block.h"

namespace streamdiffusion {

ResnetBlock2D::ResnetBlock2D(LayerLoader& layers, const std::string& name, std::int64_t in_channels,
                             std::int64_t out_channels, std::int64_t groups, float epsilon)
    : norm1_(layers, name + ".norm1", in_channels, groups, epsilon),
      conv1_(layers.conv2d(name + ".conv1", in_channels, out_channels, 3)),
      norm2_(layers, name + ".norm2", out_channels, groups, epsilon),
      conv2_(layers.conv2d(name + ".conv2", out_channels, out_channels, 3)) {
  if (in_channels != out_channels) {
    conv_shortcut_ = layers.linear(name + ".conv_shortcut", in_channels, out_channels);
  }
}

void ResnetBlock2D::forward(Context& context, const Tensor& x, const Tensor& time, const Tensor& out) const {
  const Arena::Scope scope(context.arena);
  const Tensor hidden = context.arena.allocate(out.shape);
  {
    const Arena::Scope normed_scope(context.arena);
    const Tensor normed = context.arena.allocate(x.shape);
    norm1_.forward(context, x, Activation::silu, normed);
    context.device.conv2d(normed, *conv1_, {.padding = 1, .row_bias = time}, hidden);
  }
  const Tensor normed = context.arena.allocate(out.shape);
  norm2_.forward(context, hidden, Activation::silu, normed);
  if (conv_shortcut_) {
    context.device.linear(x, *conv_shortcut_, {}, out);
  }
  context.device.conv2d(normed, *conv2_, {.padding = 1, .residual = conv_shortcut_ ? out : x}, out);
}

}  // namespace streamdiffusion
