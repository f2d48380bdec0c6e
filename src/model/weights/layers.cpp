#include "model/weights/layers.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "device/pages.h"
#include "model/files/safetensors.h"
#include "model/files/weight_kernels.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

// Bytes of mapped files to read before releasing their pages, which count as the process's memory.
constexpr std::size_t kMostMapped = std::size_t{64} << 20U;

std::span<float> part(std::span<float> all, std::int64_t first, std::int64_t count) {
  return all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

/// Formats a number without loss, unlike std::to_string.
std::string show_exactly(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%a", static_cast<double>(value));
  return text;
}

/// Drops a 1x1 kernel from a shape: [out, in, 1, 1] becomes [out, in].
std::vector<std::int64_t> drop_unit_kernel(std::vector<std::int64_t> shape) {
  if (shape.size() == 4 && shape[2] == 1 && shape[3] == 1) {
    shape.resize(2);
  }
  return shape;
}

}  // namespace

void LayerCache::replace(const Replacements& replacements) noexcept {
  for (auto& [key, layer] : layers_) {
    if (const auto found = replacements.find(layer.lock()); found != replacements.end()) {
      layer = found->second;
    }
  }
}

std::span<float> LayerLoader::ScratchBuffer::get(std::int64_t size) {
  const std::size_t needed = static_cast<std::size_t>(size) * sizeof(float);
  if (needed > pages_.bytes()) {
    pages_ = {};  // freed before the next allocation, so that there are never two
    pages_ = allocate_pages(needed);
  }
  return {static_cast<float*>(pages_.data()), static_cast<std::size_t>(size)};
}

LayerLoader::LayerLoader(Device& device, const TensorFiles& files, Lora::Network network,
                         std::vector<ScaledLora> loras, LayerCache& cache, Precision precision)
    : device_(device),
      files_(files),
      network_(network),
      loras_(std::move(loras)),
      cache_(cache),
      precision_(precision) {}

Weights LayerLoader::conv2d(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                            const LayerOptions& options) {
  mark_tensors_used(name, options.bias);
  return get_or_make({name}, "conv2d", [&] {
    const std::span<float> weight = weight_.get(out * in * kernel * kernel);
    const std::span<float> bias = bias_.get(has_bias(name, options) ? out : 0);
    read_weight(name, in, out, kernel, weight);
    if (!bias.empty()) {
      read_bias(name, out, options.bias, bias);
    }
    return device_.pack_conv2d({.weight = weight,
                                .bias = bias,
                                .out_channels = out,
                                .in_channels = in,
                                .kernel = kernel,
                                .resample = options.resample,
                                .precision = precision_of(options),
                                .typical_size = side_});
  });
}

Weights LayerLoader::joined_conv2d(const NamedConv2d& first, const NamedConv2d& second, Edge vertical,
                                   Edge horizontal) {
  struct Parameters {
    std::vector<float> weight;
    std::vector<float> bias;
    [[nodiscard]] Conv3x3Parameters view() const { return {weight, bias}; }
  };
  const auto read = [&](const NamedConv2d& conv) {
    Parameters parameters;
    parameters.weight.resize(static_cast<std::size_t>(conv.out * conv.in * 9));
    read_weight(conv.name, conv.in, conv.out, 3, parameters.weight);
    if (has_bias(conv.name, conv.options)) {
      parameters.bias.resize(static_cast<std::size_t>(conv.out));
      read_bias(conv.name, conv.out, conv.options.bias, parameters.bias);
    }
    return parameters;
  };
  for (const NamedConv2d* conv : {&first, &second}) {
    mark_tensors_used(conv->name, conv->options.bias);
  }
  const std::string kind =
      "joined " + std::to_string(static_cast<int>(vertical)) + std::to_string(static_cast<int>(horizontal));
  return get_or_make({first.name, second.name}, kind, [&] {
    const Parameters parameters[] = {read(first), read(second)};
    const Conv5x5Parameters joined = join_convolutions(parameters[0].view(), parameters[1].view(), first.in,
                                                       first.out, second.out, vertical, horizontal);
    const bool upsamples = first.options.resample == Resample::up;
    return device_.pack_conv2d({.weight = joined.weight,
                                .bias = joined.bias,
                                .out_channels = second.out,
                                .in_channels = first.in,
                                .kernel = 5,
                                .resample = upsamples ? Resample::up : second.options.resample});
  });
}

Weights LayerLoader::linear(const std::vector<std::string>& names, std::int64_t in, std::int64_t out_each,
                            const LayerOptions& options) {
  for (const std::string& name : names) {
    mark_tensors_used(name, options.bias);
  }
  return get_or_make(names, options.geglu ? "geglu" : "linear", [&] {
    const auto count = static_cast<std::int64_t>(names.size());
    const std::span<float> weight = weight_.get(count * out_each * in);
    const bool biased =
        std::ranges::any_of(names, [&](const std::string& name) { return has_bias(name, options); });
    const std::span<float> bias = bias_.get(biased ? count * out_each : 0);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string& name = names[static_cast<std::size_t>(i)];
      read_weight(name, in, out_each, 1, part(weight, i * out_each * in, out_each * in));
      if (biased) {
        read_bias(name, out_each, options.bias, part(bias, i * out_each, out_each));
      }
    }
    return device_.pack_linear({.weight = weight,
                                .bias = bias,
                                .out_channels = count * out_each,
                                .in_channels = in,
                                .geglu = options.geglu,
                                .precision = precision_of(options)});
  });
}

Weights LayerLoader::linear(const std::string& name, std::int64_t in, std::int64_t out,
                            const LayerOptions& options) {
  return linear(std::vector<std::string>{name}, in, out, options);
}

Weights LayerLoader::norm_weight(const std::string& layer, std::int64_t size) {
  const FileTensor& found = tensor(layer + ".weight", {size});
  return get_or_make({layer}, "norm weight", [&] {
    const std::span<float> values = weight_.get(size);
    convert(found, values);
    change_weight(layer, {.out = size, .in = 1}, values);
    return device_.pack_vector(values);
  });
}

Weights LayerLoader::norm_bias(const std::string& layer, std::int64_t size) {
  used_.insert(layer + ".bias");
  return get_or_make({layer}, "norm bias", [&] {
    const std::span<float> values = bias_.get(size);
    read_bias(layer, size, true, values);
    return device_.pack_vector(values);
  });
}

const FileTensor& LayerLoader::tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
  used_.insert(name);
  return files_.get(name, shape);
}

void LayerLoader::check_all_used(const std::set<std::string>& harmless) const {
  for (const auto& [name, tensor] : files_.tensors()) {
    if (!used_.contains(name) && !harmless.contains(name)) {
      throw FileError(files_.where() +
                      ": the network that its configuration describes has no place for tensor \"" + name +
                      "\"; configuration and weights come from different models, download both again");
    }
  }
}

void LayerLoader::mark_tensors_used(const std::string& name, bool bias) {
  used_.insert(name + ".weight");
  if (bias) {
    used_.insert(name + ".bias");
  }
}

std::string LayerLoader::cache_key(const std::vector<std::string>& names, const std::string& kind) const {
  std::string key = kind + '\n' + files_.where();
  for (const std::string& name : names) {
    key += '\n' + name;
    for (const ScaledLora& scaled : loras_) {
      if (scaled.scale != 0 && scaled.lora->find(network_, name) != nullptr) {
        key += '\n' + show_exactly(scaled.scale) + ' ' + scaled.lora->name();
      }
    }
  }
  return key;
}

void LayerLoader::read_weight(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                              std::span<float> into) {
  const std::string weight_name = name + ".weight";
  const FileTensor* const found = files_.find(weight_name);
  const std::vector<std::int64_t> shape = drop_unit_kernel({out, in, kernel, kernel});
  const bool fits = found != nullptr && drop_unit_kernel(found->shape) == shape;
  convert(fits ? *found : files_.get(weight_name, shape), into);
  change_weight(name, {out, in, kernel * kernel}, into);
}

void LayerLoader::read_bias(const std::string& name, std::int64_t out, bool is_there, std::span<float> into) {
  if (is_there) {
    convert(files_.get(name + ".bias", {out}), into);
  } else {
    std::ranges::fill(into, 0.0F);
  }
  change_bias(name, is_there, into);
}

std::vector<LayerLoader::ScaledChange> LayerLoader::changes_of(const std::string& layer) const {
  std::vector<ScaledChange> changes;
  for (const ScaledLora& scaled : loras_) {
    const LayerChange* const change = scaled.lora->find(network_, layer);
    if (change != nullptr && scaled.scale != 0) {
      changes.push_back({change, scaled.scale});
    }
  }
  return changes;
}

void LayerLoader::change_weight(const std::string& layer, const LayerShape& shape,
                                std::span<float> weight) const {
  const std::vector<ScaledChange> changes = changes_of(layer);
  const bool needs_base = changes.size() > 1 &&
                          std::any_of(changes.begin() + 1, changes.end(),
                                      [](const ScaledChange& scaled) { return scaled.change->needs_base(); });
  const std::vector<float> copy(needs_base ? weight.begin() : weight.end(), weight.end());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& [change, scale] = changes[i];
    if (change->weight) {
      const std::span<const float> base = needs_base && i > 0 ? std::span<const float>(copy) : weight;
      apply_change(*change->weight, scale, shape, base, weight);
    }
  }
  check_changed(layer, weight);
}

void LayerLoader::change_bias(const std::string& layer, bool is_there, std::span<float> bias) const {
  for (const auto& [change, scale] : changes_of(layer)) {
    if (change->bias && (is_there || change->adds_bias())) {
      apply_change(*change->bias, scale, {.out = std::ssize(bias), .in = 1}, bias);
    }
  }
  check_changed(layer, bias);
}

void LayerLoader::check_changed(const std::string& layer, std::span<const float> values) const {
  std::string adapters;
  for (const auto& [lora, scale] : loras_) {
    if (scale != 0 && lora->find(network_, layer) != nullptr) {
      adapters += (adapters.empty() ? "" : ", ") + lora->name();
    }
  }
  if (!adapters.empty() && !is_finite(values)) {
    throw FileError("layer \"" + layer + "\" holds NaN or infinity after it was changed by " + adapters +
                    "; a LoRA's scale is too large");
  }
}

bool LayerLoader::has_bias(const std::string& layer, const LayerOptions& options) const {
  return options.bias || std::ranges::any_of(changes_of(layer), [](const ScaledChange& scaled) {
           return scaled.change->adds_bias();
         });
}

void LayerLoader::convert(const FileTensor& tensor, std::span<float> into) {
  files_.throw_if_stopped();
  try {
    convert_weights(tensor, into);
  } catch (const Error& error) {
    throw FileError(files_.where(tensor) + ": " + error.what());
  }
  read_ += tensor.bytes.size();
  if (read_ > kMostMapped) {
    files_.release_pages();
    read_ = 0;
  }
}

}  // namespace streamdiffusion
