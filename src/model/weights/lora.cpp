#include "model/weights/lora.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

#include "model/files/text_file.h"
#include "model/weights/lora_names.h"
#include "model/weights/lora_parts.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr std::string_view kPeftPrefix = "base_model.";
constexpr const char* kAdapterConfig = "adapter_config.json";
constexpr std::size_t kKeysShown = 3;

/// True if peft's save_pretrained wrote the file. Only then does an adapter_config.json beside it apply.
bool is_of_peft(const SafeTensors& file) {
  return std::ranges::any_of(file.tensors(),
                             [](const auto& entry) { return entry.first.starts_with(kPeftPrefix); });
}

std::vector<std::string> names_of(const LayerShapes& layers) {
  std::vector<std::string> names;
  for (const auto& [name, shape] : layers) {
    names.push_back(name);
  }
  return names;
}

/// True for the tensors of peft's VeRA that all layers share.
bool is_shared_projection(std::string_view key) {
  return key == "base_model.vera_A" || key == "base_model.vera_B";
}

const FileTensor* find_tensor(const SafeTensors& file, const std::string& key) {
  const auto found = file.tensors().find(key);
  return found == file.tensors().end() ? nullptr : &found->second;
}

bool is_embedding(std::string_view layer) { return layer.starts_with("embeddings."); }

/// True for keys of Stable Diffusion XL's second text encoder, some of which may fit this model by chance.
bool is_of_second_text_encoder(std::string_view key) {
  static constexpr std::array<std::string_view, 4> kPrefixes = {"lora_te2_", "text_encoder_2.",
                                                                "text_encoders.clip_g.", "clip_g."};
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return key.starts_with(prefix); });
}

/// Lists the first keys, as in " (a, b, ...)". Returns an empty text if there are none.
std::string show_keys(const std::vector<std::string>& keys) {
  if (keys.empty()) {
    return "";
  }
  std::string shown;
  for (std::size_t i = 0; i < std::min(keys.size(), kKeysShown); ++i) {
    shown += (i > 0 ? ", " : " (") + keys[i];
  }
  return shown + (keys.size() > kKeysShown ? ", ...)" : ")");
}

/// Returns the word whose embedding a key of OneTrainer or AUTOMATIC1111 holds, as in
/// "bundle_emb.WORD.clip_l". Empty for other keys.
std::string bundled_word(std::string_view key) {
  constexpr std::string_view kPrefix = "bundle_emb.";
  if (!key.starts_with(kPrefix)) {
    return "";
  }
  return std::string(key.substr(kPrefix.size(), key.find('.', kPrefix.size()) - kPrefix.size()));
}

/// The warning for the words whose embeddings a file holds beside the LoRA. Empty if there are none.
std::string bundled_words_text(const SafeTensors& file) {
  std::set<std::string> words;
  for (const auto& [key, tensor] : file.tensors()) {
    words.insert(bundled_word(key));
  }
  words.erase("");
  if (words.empty()) {
    return "";
  }
  return file.name() + ": also holds embeddings of words" +
         show_keys(std::vector<std::string>(words.begin(), words.end())) +
         ", which are not read from a LoRA file, so the words have no effect; save them as embedding files "
         "and give those";
}

}  // namespace

std::shared_ptr<const Lora> Lora::open(const std::filesystem::path& file, const Layers& layers) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    throw FileError(file.string() +
                    ": is a folder; give the adapter's file in it, such as adapter_model.safetensors or "
                    "pytorch_lora_weights.safetensors");
  }
  const std::filesystem::path config = file.parent_path() / kAdapterConfig;
  const bool is_there = std::filesystem::is_regular_file(config, ignored);
  return std::make_shared<const Lora>(SafeTensors::open(file), layers,
                                      is_there ? std::optional(read_text_file(config)) : std::nullopt);
}

Lora::Lora(std::shared_ptr<const SafeTensors> file, const Layers& layers,
           const std::optional<std::string>& adapter_config)
    : file_(std::move(file)) {
  const bool of_peft = is_of_peft(*file_);
  const std::string config_name = (std::filesystem::path(name()).parent_path() / kAdapterConfig).string() +
                                  ", which belongs to " + name();
  const PeftConfig config(file_->metadata(), name(), of_peft ? adapter_config : std::nullopt, config_name);
  std::map<NetworkLayer, LoraParts> parts;
  gather({names_of(layers.unet), names_of(layers.text_encoder)}, of_peft, parts);
  read(parts, layers, config);
  check_does_something();
  warnings_ = config.warnings();
  warn_of_alphas_alone();
  if (std::string text = bundled_words_text(*file_); !text.empty()) {
    warnings_.push_back(std::move(text));
  }
  const bool lacks_alpha =
      std::ranges::any_of(parts, [](const auto& entry) { return entry.second.lacks_alpha(); });
  if (of_peft && !adapter_config && lacks_alpha && config.find("") == nullptr) {
    warnings_.push_back(name() + ": there is no " + kAdapterConfig +
                        " beside it, in which peft notes alpha; it is applied as if alpha were its rank");
  }
}

void Lora::gather(const LoraLayerNames& names, bool is_of_peft, std::map<NetworkLayer, LoraParts>& layers) {
  for (const auto& [key, tensor] : file_->tensors()) {
    std::optional<LoraKey> parsed = parse_lora_key(key);
    auto found = parsed ? names.find(parsed->layer) : std::nullopt;
    const bool is_whole =
        parsed && (parsed->part == LoraKey::Part::weight || parsed->part == LoraKey::Part::bias);
    if (!found || (is_whole && !is_of_peft)) {
      found = names.find_beginning(key);
      parsed = LoraKey{
          .layer = "",
          .part = LoraKey::Part::unsupported,
          .method = is_whole ? "a whole network rather than a change of one" : "a method that is not known"};
    }
    if (found) {
      if (is_embedding(found->layer)) {
        throw FileError(name() + ": \"" + key +
                        "\": changes the text encoder's embeddings, which is not supported");
      }
      layers[{found->unet ? Network::unet : Network::text_encoder, found->layer}].add(*parsed, key, tensor,
                                                                                      name());
    } else if (is_of_second_text_encoder(key)) {
      throw FileError(
          name() + ": \"" + key +
          "\": belongs to a second text encoder, which this model does not have; the LoRA is made for Stable "
          "Diffusion XL, give one for this kind of model");
    } else if (!is_shared_projection(key) && bundled_word(key).empty()) {
      unmatched_.push_back(key);
    }
  }
}

void Lora::read(const std::map<NetworkLayer, LoraParts>& parts, const Layers& layers,
                const PeftConfig& config) {
  for (const auto& [network_layer, of_layer] : parts) {
    if (of_layer.has_alpha_alone()) {
      alphas_alone_.push_back(of_layer.key());
      continue;
    }
    const auto& [network, layer] = network_layer;
    const bool unet = network == Network::unet;
    const LayerFacts facts{.layer = layer,
                           .shape = (unet ? layers.unet : layers.text_encoder).at(layer),
                           .settings = config.find(unet ? "unet" : "text_encoder"),
                           .vera_a = find_tensor(*file_, "base_model.vera_A"),
                           .vera_b = find_tensor(*file_, "base_model.vera_B")};
    (unet ? unet_ : text_encoder_)[layer] = of_layer.make_change(name(), facts);
  }
}

void Lora::check_does_something() const {
  if (!unet_.empty() || !text_encoder_.empty()) {
    return;
  }
  if (!alphas_alone_.empty()) {
    throw FileError(name() + ": has no weights for layers of this model, only alpha" +
                    show_keys(alphas_alone_) +
                    ", so it would change nothing; the file is incomplete, download it again");
  }
  throw FileError(
      name() + ": none of its " + std::to_string(file_->tensors().size()) + " keys" + show_keys(unmatched_) +
      " belongs to a layer of this model, so it would change nothing; it is made for another kind of "
      "model, or it is no LoRA");
}

void Lora::warn_of_alphas_alone() {
  if (!alphas_alone_.empty()) {
    warnings_.push_back(name() + ": has an alpha but no weights for some layers" + show_keys(alphas_alone_) +
                        "; they are not changed");
  }
}

const LayerChange* Lora::find(Network network, const std::string& layer) const {
  const auto& changes = network == Network::unet ? unet_ : text_encoder_;
  const auto found = changes.find(layer);
  return found == changes.end() ? nullptr : &found->second;
}

}  // namespace streamdiffusion
