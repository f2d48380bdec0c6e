#include "model/weights/lora_names.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "model/weights/original_unet_names.h"

namespace streamdiffusion {
namespace {

using Part = LoraKey::Part;

struct Ending {
  std::string_view text;
  Part part;
};

// Longer endings before those that they end in.
constexpr std::array<Ending, 36> kEndings = {{
    {".lora_linear_layer.down.weight", Part::down},
    {".lora_linear_layer.up.weight", Part::up},
    {"_lora.down.weight", Part::down},
    {"_lora.up.weight", Part::up},
    {".lora.down.weight", Part::down},
    {".lora.up.weight", Part::up},
    {".lora_down.weight", Part::down},
    {".lora_up.weight", Part::up},
    {".lora_mid.weight", Part::mid},
    {".lora_A.weight", Part::down},
    {".lora_B.weight", Part::up},
    {"_lora.alpha", Part::alpha},
    {".lora.alpha", Part::alpha},
    {".alpha", Part::alpha},
    {".dora_scale", Part::dora_scale},
    {".lora_magnitude_vector", Part::dora_magnitude},
    {".hada_w1_a", Part::hada_w1_a},
    {".hada_w1_b", Part::hada_w1_b},
    {".hada_t1", Part::hada_t1},
    {".hada_w2_a", Part::hada_w2_a},
    {".hada_w2_b", Part::hada_w2_b},
    {".hada_t2", Part::hada_t2},
    {".lokr_w1", Part::lokr_w1},
    {".lokr_w1_a", Part::lokr_w1_a},
    {".lokr_w1_b", Part::lokr_w1_b},
    {".lokr_w2", Part::lokr_w2},
    {".lokr_w2_a", Part::lokr_w2_a},
    {".lokr_w2_b", Part::lokr_w2_b},
    {".lokr_t2", Part::lokr_t2},
    {".lokr_t1", Part::unsupported},
    {".lora_B.bias", Part::unsupported},
    {".diff", Part::unsupported},
    {".diff_b", Part::unsupported},
    {".oft_blocks", Part::unsupported},
    {".b1.weight", Part::unsupported},
    {".on_input", Part::unsupported},
}};

std::string flat(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

/// peft may put an adapter's name behind its parts: "lora_A.default.weight", "hada_w1_a.default".
std::string without_adapter_name(std::string_view key) {
  static constexpr std::string_view kWeight = ".weight";
  for (const std::string_view part : {".lora_A.", ".lora_B.", ".lora_magnitude_vector."}) {
    const std::size_t at = key.find(part);
    if (at == std::string_view::npos) {
      continue;
    }
    const bool weight = key.ends_with(kWeight) && part != ".lora_magnitude_vector.";
    return std::string(key.substr(0, at + part.size() - 1)).append(weight ? kWeight : "");
  }
  return std::string(key);
}

bool remove_prefix(std::string_view& text, std::string_view prefix) {
  const bool has = text.starts_with(prefix);
  text.remove_prefix(has ? prefix.size() : 0);
  return has;
}

/// Other names of projections: "to_out" in old processors, "to_q" for a text encoder's "q_proj".
void add_aliases(std::map<std::string, std::string, std::less<>>& names, const std::string& flat_name,
                 const std::string& layer) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kAliases = {
      {{"_to_out_0", "_to_out"},
       {"_q_proj", "_to_q"},
       {"_k_proj", "_to_k"},
       {"_v_proj", "_to_v"},
       {"_out_proj", "_to_out"}}};
  names.emplace(flat_name, layer);
  for (const auto& [today, alias] : kAliases) {
    if (flat_name.ends_with(today)) {
      names.emplace(flat_name.substr(0, flat_name.size() - today.size()).append(alias), layer);
    }
  }
}

}  // namespace

std::optional<LoraKey> parse_lora_key(std::string_view key) {
  const std::string plain = without_adapter_name(key);
  for (const auto& [ending, part] : kEndings) {
    if (plain.ends_with(ending)) {
      return LoraKey{plain.substr(0, plain.size() - ending.size()), part};
    }
  }
  return std::nullopt;
}

LoraLayerNames::LoraLayerNames(const std::vector<std::string>& unet_layers,
                               const std::vector<std::string>& text_encoder_layers) {
  const OriginalUNetNames original = OriginalUNetNames::from_current(unet_layers);
  for (const std::string& layer : unet_layers) {
    add_aliases(unet_, flat(layer), layer);
    if (const std::optional<std::string> name = original.to_original(layer)) {
      unet_.emplace(flat(*name), layer);
    }
  }
  for (const std::string& layer : text_encoder_layers) {
    add_aliases(text_encoder_, flat(layer), layer);
  }
}

std::optional<LoraLayerNames::Found> LoraLayerNames::find(std::string_view layer_in_key) const {
  std::string_view name = layer_in_key;
  remove_prefix(name, "base_model.model.");
  const bool text_encoder = remove_prefix(name, "lora_te_") || remove_prefix(name, "lora_te1_") ||
                            remove_prefix(name, "text_encoder.");
  if (text_encoder) {
    remove_prefix(name, "text_model_");
    remove_prefix(name, "text_model.");
  } else {
    for (const std::string_view prefix : {"lora_unet_", "unet.", "model.", "diffusion_model."}) {
      remove_prefix(name, prefix);
    }
  }
  std::string flat_name(name);
  static constexpr std::string_view kProcessor = ".processor";
  if (const std::size_t at = flat_name.find(kProcessor); at != std::string::npos) {
    flat_name.erase(at, kProcessor.size());
  }
  const auto& names = text_encoder ? text_encoder_ : unet_;
  const auto found = names.find(flat(std::move(flat_name)));
  return found == names.end() ? std::nullopt : std::optional(Found{!text_encoder, found->second});
}

}  // namespace streamdiffusion
