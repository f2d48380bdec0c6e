#include "model/weights/lora.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "model/files/json.h"
#include "model/files/weight_kernels.h"
#include "model/weights/lora_names.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::string show_shape(const FileTensor& tensor) { return nlohmann::json(tensor.shape).dump(); }

/// What a file says about one layer, key by key.
struct Parts {
  const FileTensor* down = nullptr;
  const FileTensor* up = nullptr;
  std::optional<float> alpha;
  std::string key;  // any of its keys, for messages
};

std::vector<float> to_floats(const FileTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  convert_to_float(tensor, values);
  return values;
}

float read_alpha(const FileTensor& tensor, const std::string& where) {
  if (tensor.elements() != 1) {
    throw Error(where + ": alpha must be one number, not " + show_shape(tensor));
  }
  if (tensor.dtype == DType::i64) {
    std::int64_t value = 0;
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), reinterpret_cast<std::byte*>(&value));
    return static_cast<float>(value);
  }
  const float alpha = to_floats(tensor).front();
  if (!std::isfinite(alpha)) {
    throw Error(where + ": alpha is not a finite number");
  }
  return alpha;
}

/// Enters a tensor into its layer's parts.
void add_part(LoraKey::Part part, const std::string& key, const FileTensor& tensor, const std::string& file,
              Parts& parts) {
  const std::string where = file + ": \"" + key + "\"";
  parts.key = key;
  if (part == LoraKey::Part::unsupported) {
    throw Error(
        where +
        ": belongs to another method than LoRA (DoRA, LoHa, LoKr or the like), which is not supported");
  }
  if (part == LoraKey::Part::alpha) {
    parts.alpha = read_alpha(tensor, where);
    return;
  }
  const FileTensor*& weight = part == LoraKey::Part::down ? parts.down : parts.up;
  if (weight != nullptr) {
    throw Error(where + ": its layer has this part twice, under two names");
  }
  weight = &tensor;
}

/// Pixels of a convolution's kernel; 1 for a linear layer.
std::int64_t kernel_size(const FileTensor& tensor) {
  return tensor.shape.size() == 4 ? tensor.shape[2] * tensor.shape[3] : 1;
}

LoraDelta to_delta(const Parts& parts, const std::string& file) {
  const std::string where = file + ": \"" + parts.key + "\"";
  if (parts.down == nullptr || parts.up == nullptr) {
    throw Error(where + ": the layer's down and up weights are not both there");
  }
  for (const FileTensor* const tensor : {parts.down, parts.up}) {
    if (tensor->shape.size() != 2 && tensor->shape.size() != 4) {
      throw Error(where + ": a LoRA's weights must have 2 or 4 dimensions, not " + show_shape(*tensor));
    }
    if (tensor->elements() == 0) {
      throw Error(where + ": a LoRA's weights must not be empty, as " + show_shape(*tensor) + " is");
    }
  }
  const std::int64_t rank = parts.down->shape[0];
  if (parts.up->shape[1] != rank) {
    throw Error(where + ": down " + show_shape(*parts.down) + " and up " + show_shape(*parts.up) +
                " do not have the same rank");
  }
  if (kernel_size(*parts.down) != 1 && kernel_size(*parts.up) != 1) {
    throw Error(where + ": down " + show_shape(*parts.down) + " and up " + show_shape(*parts.up) +
                " both have a kernel, which is not supported");
  }
  return {parts.down, parts.up, parts.alpha.value_or(static_cast<float>(rank)) / static_cast<float>(rank)};
}

/// A kernel in `up` [out, rank, k, k] and none in `down`: weight[o][i][t] += sum over r of up[o][r][t] *
/// down[r][i].
void add_product_with_kernel_in_up(const std::vector<float>& up, const std::vector<float>& down,
                                   std::int64_t rank, std::int64_t kernel, std::span<float> weight) {
  const std::int64_t in = static_cast<std::int64_t>(down.size()) / rank;
  std::vector<float> transposed(down.size());  // [in][rank]
  for (std::int64_t r = 0; r < rank; ++r) {
    for (std::int64_t i = 0; i < in; ++i) {
      transposed[static_cast<std::size_t>(i * rank + r)] = down[static_cast<std::size_t>(r * in + i)];
    }
  }
  const auto out = static_cast<std::int64_t>(weight.size()) / (in * kernel);
  for (std::int64_t o = 0; o < out; ++o) {
    add_product(transposed.data(), up.data() + o * rank * kernel, in, rank, kernel,
                weight.data() + o * in * kernel);
  }
}

}  // namespace

Lora::Lora(std::shared_ptr<const SafeTensors> file, const std::vector<std::string>& unet_layers,
           const std::vector<std::string>& text_encoder_layers)
    : file_(std::move(file)) {
  const LoraLayerNames names(unet_layers, text_encoder_layers);
  std::map<std::pair<Network, std::string>, Parts> layers;
  for (const auto& [key, tensor] : file_->tensors()) {
    const std::optional<LoraKey> parsed = parse_lora_key(key);
    const auto found = parsed ? names.find(parsed->layer) : std::nullopt;
    if (found) {
      const Network network = found->unet ? Network::unet : Network::text_encoder;
      add_part(parsed->part, key, tensor, name(), layers[{network, found->layer}]);
    } else {
      unmatched_.push_back(key);
    }
  }
  for (const auto& [layer, parts] : layers) {
    (layer.first == Network::unet ? unet_ : text_encoder_)[layer.second] = to_delta(parts, name());
  }
}

const LoraDelta* Lora::find(Network network, const std::string& layer) const {
  const auto& deltas = network == Network::unet ? unet_ : text_encoder_;
  const auto found = deltas.find(layer);
  return found == deltas.end() ? nullptr : &found->second;
}

void apply_lora(const LoraDelta& delta, float scale, std::int64_t out, std::int64_t in_times_kernel,
                std::span<float> weight, const std::string& where) {
  const FileTensor& down = *delta.down;
  const FileTensor& up = *delta.up;
  const std::int64_t rank = down.shape[0];
  const std::int64_t kernel = kernel_size(up);
  if (up.shape[0] != out || down.elements() != rank * (in_times_kernel / kernel) ||
      in_times_kernel % kernel != 0) {
    throw Error(where + ": down " + show_shape(down) + " and up " + show_shape(up) +
                " do not fit a weight of " + std::to_string(out) + " x " + std::to_string(in_times_kernel));
  }
  std::vector<float> scaled_up = to_floats(up);
  for (float& value : scaled_up) {
    value *= scale * delta.factor;
  }
  const std::vector<float> down_values = to_floats(down);
  if (kernel > 1) {
    add_product_with_kernel_in_up(scaled_up, down_values, rank, kernel, weight);
  } else {
    add_product(scaled_up.data(), down_values.data(), out, rank, in_times_kernel, weight.data());
  }
}

}  // namespace streamdiffusion
