#include "model/networks/norm.h"

#include "streamdiffusion/error.h"

namespace streamdiffusion {

GroupNorm::GroupNorm(LayerLoader& layers, const std::string& name, std::int64_t channels, std::int64_t groups,
                     float epsilon)
    : gain_(layers.norm_weight(name, channels)),
      shift_(layers.norm_bias(name, channels)),
      groups_(groups),
      epsilon_(epsilon) {
  if (groups < 1 || channels % groups != 0) {
    throw FileError(name + ": " + std::to_string(channels) +
                    " channels do not divide into norm_num_groups = " + std::to_string(groups) +
                    "; check the config.json beside the weights");
  }
}

void GroupNorm::forward(Context& context, const Tensor& x, Activation activation, const Tensor& out) const {
  context.device.group_norm(x, *gain_, *shift_, groups_, epsilon_, activation, out);
}

LayerNorm::LayerNorm(LayerLoader& layers, const std::string& name, std::int64_t channels, float epsilon)
    : gain_(layers.norm_weight(name, channels)),
      shift_(layers.norm_bias(name, channels)),
      epsilon_(epsilon) {}

void LayerNorm::forward(Context& context, const Tensor& x, const Tensor& out) const {
  context.device.layer_norm(x, *gain_, *shift_, epsilon_, out);
}

}  // namespace streamdiffusion
