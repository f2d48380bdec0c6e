#include "streamdiffusion/model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <utility>

#include "device/cpu/cpu_device.h"
#include "model/model_impl.h"
#include "model/weights/lora.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr std::size_t kTokenizedPromptsKept = 64;
constexpr std::size_t kUnmatchedKeysShown = 3;

/// What the caller gave, with defaults filled in.
ModelOptions complete(ModelOptions options) {
  for (LoraOptions& lora : options.loras) {
    if (lora.name.empty()) {
      lora.name = lora.file.stem().string();
    }
    if (!std::isfinite(lora.scale)) {
      throw Error("LoRA \"" + lora.name + "\": its scale must be a finite number");
    }
  }
  for (std::size_t i = 0; i < options.loras.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options.loras[i].name == options.loras[j].name) {
        throw Error("two LoRAs have the name \"" + options.loras[i].name +
                    "\": give one of them another name");
      }
    }
  }
  if (!options.on_warning) {
    options.on_warning = [](const std::string& message) { std::cerr << "warning: " << message << '\n'; };
  }
  return options;
}

std::unique_ptr<Device> make_device(const ModelOptions& options) {
  if (options.device != "auto" && options.device != "cpu") {
    throw Error("device \"" + options.device + "\" is not known: use auto or cpu");
  }
  if (options.precision != "auto" && options.precision != "f32") {
    throw Error("precision \"" + options.precision + "\" is not known to the CPU: use auto or f32");
  }
  if (options.threads < 0) {
    throw Error("threads is " + std::to_string(options.threads) +
                ", must be 0 (one for each processor) or more");
  }
  return make_cpu_device(options.threads);
}

/// The names of a network's layers, as LoRAs count them.
std::vector<std::string> layer_names(const TensorFiles& files) {
  const std::string ending = ".weight";
  std::vector<std::string> names;
  for (const auto& [name, tensor] : files.tensors()) {
    if (name.ends_with(ending) && tensor.shape.size() >= 2) {
      names.push_back(name.substr(0, name.size() - ending.size()));
    }
  }
  return names;
}

void warn_of_unmatched(const Lora& lora, const ModelOptions& options) {
  const std::vector<std::string>& keys = lora.unmatched();
  if (keys.empty()) {
    return;
  }
  std::string message =
      lora.name() + ": " + std::to_string(keys.size()) + " keys match no layer of this model: ";
  for (std::size_t i = 0; i < std::min(keys.size(), kUnmatchedKeysShown); ++i) {
    message += (i > 0 ? ", " : "") + keys[i];
  }
  options.on_warning(message + (keys.size() > kUnmatchedKeysShown ? ", ..." : "") +
                     "; the LoRA may be made for another kind of model");
}

std::vector<std::shared_ptr<const Lora>> open_loras(const ModelFiles& files, const ModelOptions& options) {
  std::vector<std::shared_ptr<const Lora>> loras;
  for (const LoraOptions& lora : options.loras) {
    loras.push_back(std::make_shared<const Lora>(SafeTensors::open(lora.file), layer_names(files.unet),
                                                 layer_names(files.text_encoder)));
    warn_of_unmatched(*loras.back(), options);
  }
  return loras;
}

ModelInfo describe(const ModelFiles& files, const Device& device, const ModelOptions& options) {
  ModelInfo info;
  const std::filesystem::path path = std::filesystem::absolute(files.path).lexically_normal();
  if (!options.name.empty()) {
    info.name = options.name;
  } else if (std::filesystem::is_directory(path)) {
    info.name = path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
  } else {
    info.name = path.stem().string();
  }
  info.device = device.name();
  info.native_size = static_cast<int>(files.unet_config.sample_size) * info.size_multiple;
  info.prompt_tokens = static_cast<int>(files.tokenizer.length());
  for (const LoraOptions& lora : options.loras) {
    info.lora_names.push_back(lora.name);
  }
  return info;
}

}  // namespace

Model::Impl::Impl(const ModelOptions& given)
    : options(complete(given)),
      device(make_device(options)),
      files(ModelFiles::open(options)),
      info(describe(files, *device, options)),
      arena(*device),
      autoencoder(Autoencoder::make(*device, files.autoencoder)),
      weight_sets(*device, files, open_loras(files, options), options.clip_skip),
      tokens_(kTokenizedPromptsKept) {
  weights({});
}

std::vector<float> Model::Impl::lora_scales(const std::vector<LoraScale>& changed) const {
  std::vector<float> scales;
  for (const LoraOptions& lora : options.loras) {
    scales.push_back(lora.scale);
  }
  for (const LoraScale& change : changed) {
    const auto found = std::ranges::find(options.loras, change.name, &LoraOptions::name);
    if (found == options.loras.end()) {
      throw Error("no LoRA with the name \"" + change.name + "\" was loaded with the model");
    }
    if (!std::isfinite(change.scale)) {
      throw Error("LoRA \"" + change.name + "\": its scale must be a finite number");
    }
    scales[static_cast<std::size_t>(found - options.loras.begin())] = change.scale;
  }
  return scales;
}

const std::vector<std::int64_t>& Model::Impl::tokenize(const std::string& prompt) {
  return tokens_.get(prompt, [&] {
    Tokenizer::Encoding encoding = files.tokenizer.encode(prompt);
    if (encoding.cut) {
      options.on_warning("the prompt is longer than " + std::to_string(info.prompt_tokens) +
                         " tokens and was cut; left out: \"" + *encoding.cut + "\"");
    }
    return std::move(encoding.ids);
  });
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Model::~Model() = default;

std::shared_ptr<Model> Model::load(const ModelOptions& options) {
  return std::shared_ptr<Model>(new Model(std::make_unique<Impl>(options)));
}

const ModelInfo& Model::info() const { return impl_->info; }

}  // namespace streamdiffusion
