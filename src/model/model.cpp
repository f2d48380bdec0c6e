#include "streamdiffusion/model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "device/counting_device.h"
#include "device/devices.h"
#include "model/model_impl.h"
#include "model/prompt/lora_tags.h"
#include "model/prompt/prompt_weights.h"
#include "model/text/prompt_text.h"
#include "model/weights/lora.h"
#include "model/weights/lora_folder.h"
#include "posix/memory.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

// More than sessions switch between at a time. An entry takes some hundred bytes.
constexpr std::size_t kTokenizedPromptsKept = 64;
// An entry keeps a LoRA file open and mapped.
constexpr std::size_t kLorasOfPromptsKept = 32;
constexpr std::size_t kUnmatchedKeysShown = 3;  // They show the form of the names; the message stays short.

void check_scale(const LoraScale& lora) {
  if (!std::isfinite(lora.scale)) {
    throw ArgumentError("LoRA \"" + lora.name + "\": its scale must be a finite number");
  }
  if (std::abs(lora.scale) > LoraScale::kLargest) {
    const std::string largest = std::to_string(static_cast<int>(LoraScale::kLargest));
    throw ArgumentError("LoRA \"" + lora.name + "\": its scale must be from -" + largest + " to " + largest);
  }
}

void check_name(const LoraOptions& lora) {
  if (!is_utf8(lora.name)) {
    throw ArgumentError(lora.file.string() +
                        ": the name of this LoRA is not valid UTF-8; give it another, or rename its file");
  }
}

[[noreturn]] void refuse_same_name(const LoraOptions& a, const LoraOptions& b) {
  std::error_code error;
  if (a.file == b.file || std::filesystem::equivalent(a.file, b.file, error)) {
    throw ArgumentError(b.file.string() +
                        ": is given twice as a LoRA; give it once, with the sum of the scales");
  }
  throw ArgumentError("the LoRAs " + a.file.string() + " and " + b.file.string() + " have the same name, \"" +
                      b.name + "\"; name one of them otherwise, or rename its file");
}

/// Names the LoRAs and checks names and scales.
void complete_loras(std::vector<LoraOptions>& loras) {
  name_loras(loras);
  for (std::size_t i = 0; i < loras.size(); ++i) {
    check_name(loras[i]);
    check_scale({loras[i].name, loras[i].scale});
    for (std::size_t j = 0; j < i; ++j) {
      if (loras[i].name == loras[j].name) {
        refuse_same_name(loras[j], loras[i]);
      }
    }
  }
}

std::vector<LoraScale> scales_of(const std::vector<LoraOptions>& loras) {
  std::vector<LoraScale> scales;
  for (const LoraOptions& lora : loras) {
    scales.push_back({.name = lora.name, .scale = lora.scale});
  }
  return scales;
}

/// Fills in defaults and checks the LoRAs. Throws Error for a duplicate name, a scale out of range or a
/// missing LoRA folder.
ModelOptions complete(ModelOptions options) {
  complete_loras(options.loras);
  if (options.lora_folder && !std::filesystem::is_directory(*options.lora_folder)) {
    throw FileError(options.lora_folder->string() + ": there is no such folder; give one that holds LoRAs");
  }
  if (!options.on_warning) {
    options.on_warning = [](const std::string& message) { std::cerr << "warning: " << message << '\n'; };
  }
  return options;
}

ChosenDevice make_device(const ModelOptions& options) {
  ChosenDevice chosen =
      choose_device({.device = options.device, .precision = options.precision, .threads = options.threads});
  if (!chosen.why_no_gpu.empty()) {
    options.on_warning("computing on the CPU: " + chosen.why_no_gpu);
  }
  return chosen;
}

void warn_of(const Lora& lora, const ModelOptions& options) {
  for (const std::string& warning : lora.warnings()) {
    options.on_warning(warning);
  }
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
  const DeviceTraits traits = device.traits();
  info.device = traits.name;
  info.instruction_set = traits.instruction_set;
  info.size_multiple = static_cast<int>(kPixelsPerLatent);
  info.native_size = static_cast<int>(files.unet_config.sample_size * kPixelsPerLatent);
  info.prompt_tokens = static_cast<int>(files.tokenizer.tokens_per_prompt());
  info.embedding_width = static_cast<int>(files.text_encoder_config.hidden_size);
  info.loras = scales_of(options.loras);
  return info;
}

}  // namespace

Model::Impl::Impl(const ModelOptions& given)
    : options(complete(given)),
      chosen(make_device(options)),
      device(chosen.device.get()),
      files(ModelFiles::open(options)),
      info(describe(files, *device, options)),
      arena(*device),
      autoencoder(Autoencoder::make(*device, files.autoencoder, chosen.precision)),
      weight_sets(*device, files, options.clip_skip, chosen.precision),
      loras_of_prompts_(kLorasOfPromptsKept),
      tokens_(kTokenizedPromptsKept) {
  for (const LoraOptions& lora : options.loras) {
    loras_.push_back(open_lora(lora.file));
  }
  weights({});
  posix::return_freed_memory();  // the JSON of the vocabulary and the tensor names has been freed
  if (options.on_note) {
    std::ranges::for_each(options.notes, options.on_note);
  }
}

double Model::Impl::counted_operations() const {
  return chosen.counting != nullptr ? chosen.counting->operations() : 0;
}

std::shared_ptr<const Lora> Model::Impl::open_lora(const std::filesystem::path& file) const {
  const std::shared_ptr<const Lora> lora =
      Lora::open(file, {.unet = layer_shapes(files.unet), .text_encoder = layer_shapes(files.text_encoder)});
  warn_of(*lora, options);
  return lora;
}

std::string Model::Impl::take_lora_tags(const std::string& prompt, std::vector<LoraScale>& loras) const {
  TaggedPrompt tagged = streamdiffusion::take_lora_tags(prompt);
  if (!tagged.loras.empty() && !options.lora_folder) {
    throw PromptError("the prompt names the LoRA \"" + tagged.loras.front().name +
                      "\", but the model was loaded without a folder of LoRAs; give it one, or take the tag "
                      "out of the prompt");
  }
  std::ranges::move(tagged.loras, std::back_inserter(loras));
  return std::move(tagged.text);
}

std::shared_ptr<WeightSet> Model::Impl::weights(const std::vector<LoraScale>& changed,
                                                const std::vector<LoraScale>& of_prompts) {
  std::map<std::string, float> scales;
  for (const LoraOptions& lora : options.loras) {
    scales[lora.name] = lora.scale;
  }
  for (const LoraScale& change : changed) {
    check_scale(change);
    const auto changed_scale = scales.find(compose(change.name));
    if (changed_scale == scales.end()) {
      throw ArgumentError("the model has no LoRA with the name \"" + change.name + "\"");
    }
    changed_scale->second = change.scale;
  }
  std::map<std::string, float> named;
  for (const LoraScale& lora : of_prompts) {
    named[compose(lora.name)] += lora.scale;
  }
  std::vector<ScaledLora> scaled;
  for (std::size_t i = 0; i < loras_.size(); ++i) {
    const auto in_prompt = named.extract(options.loras[i].name);
    scaled.push_back({loras_[i], in_prompt ? in_prompt.mapped() : scales.at(options.loras[i].name)});
  }
  for (const auto& [name, scale] : named) {
    check_scale({name, scale});
    const auto open = [&, &lora_name = name] {
      return open_lora(find_lora(options.lora_folder.value(), lora_name));
    };
    scaled.push_back({loras_of_prompts_.get(name, open), scale});
  }
  return weight_sets.get(std::move(scaled));
}

std::string Model::Impl::add_lora(LoraOptions lora) {
  std::vector<LoraOptions> loras = options.loras;
  loras.push_back(std::move(lora));
  complete_loras(loras);
  std::vector<LoraScale> scales = scales_of(loras);
  loras_.push_back(open_lora(loras.back().file));
  options.loras = std::move(loras);
  info.loras = std::move(scales);
  ++lora_changes;
  return options.loras.back().name;
}

void Model::Impl::remove_lora(const std::string& name) {
  const auto found = std::ranges::find(options.loras, compose(name), &LoraOptions::name);
  if (found == options.loras.end()) {
    throw ArgumentError("the model has no LoRA with the name \"" + name + "\"");
  }
  const auto index = found - options.loras.begin();
  options.loras.erase(found);
  loras_.erase(loras_.begin() + index);
  info.loras.erase(info.loras.begin() + index);
  ++lora_changes;
}

const Tokenizer::Encoding& Model::Impl::tokenize(const std::string& prompt) {
  return tokens_.get(prompt, [&] {
    Tokenizer::Encoding encoding = options.prompt_weights
                                       ? files.tokenizer.encode(parse_prompt_weights(prompt))
                                       : files.tokenizer.encode(prompt);
    if (encoding.cut) {
      options.on_warning("the prompt is longer than " + std::to_string(info.prompt_tokens) +
                         " tokens and was cut; left out: \"" + *encoding.cut + "\"");
    }
    return encoding;
  });
}

/// Names a LoRA after its file. If another LoRA has that name, it is named after the file's folder: peft and
/// diffusers give all files the same name.
void name_loras(std::vector<LoraOptions>& loras) {
  std::vector<LoraOptions*> unnamed;
  for (LoraOptions& lora : loras) {
    if (lora.name.empty()) {
      lora.name = lora.file.stem().string();
      unnamed.push_back(&lora);
    }
    lora.name = compose(lora.name);
  }
  const std::vector<LoraOptions> named = loras;
  for (LoraOptions* const lora : unnamed) {
    if (std::ranges::count(named, lora->name, &LoraOptions::name) > 1) {
      lora->name =
          compose(std::filesystem::absolute(lora->file).lexically_normal().parent_path().filename().string());
    }
  }
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Model::~Model() = default;

std::shared_ptr<Model> Model::load(const ModelOptions& options) {
  return std::shared_ptr<Model>(new Model(std::make_unique<Impl>(options)));
}

const ModelInfo& Model::info() const { return impl_->info; }

std::string Model::add_lora(const LoraOptions& lora) { return impl_->add_lora(lora); }
void Model::remove_lora(const std::string& name) { impl_->remove_lora(name); }

std::vector<float> Model::encode_prompt(const std::string& prompt, std::span<const LoraScale> lora_scales) {
  if (prompt.size() > Parameters::kLongestText) {
    throw ArgumentError("prompt has " + std::to_string(prompt.size()) + " bytes, must be a text of at most " +
                        std::to_string(Parameters::kLongestText) + " bytes");
  }
  std::vector<LoraScale> of_prompt;
  const std::string text = impl_->take_lora_tags(prompt, of_prompt);
  const auto weights = impl_->weights({lora_scales.begin(), lora_scales.end()}, of_prompt);
  return *impl_->embedding(*weights, text);
}

}  // namespace streamdiffusion
