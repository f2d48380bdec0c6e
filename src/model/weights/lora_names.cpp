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
  std::string_view method = {};  // of unsupported endings
};

// An ending comes before any other that it ends in.
constexpr auto kEndings = std::to_array<Ending>({
    {".lora_linear_layer.down.weight", Part::down},
    {".lora_linear_layer.up.weight", Part::up},
    {".lora_linear_layer.up.bias", Part::up_bias},
    {"_lora.down.weight", Part::down},
    {"_lora.up.weight", Part::up},
    {"_lora.up.bias", Part::up_bias},
    {".lora.down.weight", Part::down},
    {".lora.up.weight", Part::up},
    {".lora.up.bias", Part::up_bias},
    {".lora_down.weight", Part::down},
    {".lora_up.weight", Part::up},
    {".lora_up.bias", Part::up_bias},
    {".lora_mid.weight", Part::mid},
    {".lora_A.weight", Part::down},
    {".lora_B.weight", Part::up},
    {".lora_B.bias", Part::up_bias},
    {".lora_A", Part::down},  // AdaLoRA's have no ".weight"
    {".lora_B", Part::up},
    {".lora_E", Part::diagonal},
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
    {".vera_lambda_b", Part::vera_lambda_b},
    {".vera_lambda_d", Part::vera_lambda_d},
    {".oft_R.weight", Part::oft_triangles},
    {".ia3_l", Part::ia3},
    {".diff", Part::difference},
    {".w_norm", Part::difference},
    {".diff_b", Part::bias_difference},
    {".b_norm", Part::bias_difference},
    {".lokr_t1", Part::unsupported, "LoKr with a core in its first matrix"},
    {".oft_blocks", Part::unsupported, "OFT or BOFT as LyCORIS and kohya write it"},
    {".oft_r", Part::unsupported, "OFT as peft wrote it before version 0.16"},
    {".boft_R", Part::unsupported, "BOFT"},
    {".boft_s", Part::unsupported, "BOFT"},
    {".on_input", Part::unsupported, "IA3 as LyCORIS writes it"},
    {".a1.weight", Part::unsupported, "GLoRA"},
    {".a2.weight", Part::unsupported, "GLoRA"},
    {".b1.weight", Part::unsupported, "GLoRA"},
    {".b2.weight", Part::unsupported, "GLoRA"},
    {".lora_diag", Part::unsupported, "KaSA"},
    {".lambda_layer", Part::unsupported, "T-LoRA"},
    {".p_layer.weight", Part::unsupported, "T-LoRA"},
    {".q_layer.weight", Part::unsupported, "T-LoRA"},
    {".lora_embedding_A", Part::unsupported, "LoRA of an embedding"},
    {".lora_embedding_B", Part::unsupported, "LoRA of an embedding"},
    {".weight", Part::weight},
    {".bias", Part::bias},
});

std::string flatten_name(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

/// Removes names of peft's wrappers and of adapters, as in "lora_A.default.weight" and "lora_E.default".
std::string remove_peft_names(std::string_view key) {
  std::string plain(key);
  for (const std::string_view wrapper : {".base_layer.", ".modules_to_save.default.", ".modules_to_save."}) {
    if (const std::size_t at = plain.find(wrapper); at != std::string::npos) {
      plain.erase(at, wrapper.size() - 1);
    }
  }
  for (const std::string_view part :
       {".lora_A.", ".lora_B.", ".lora_E.", ".lora_magnitude_vector.", ".oft_R.", ".ia3_l."}) {
    const std::size_t at = plain.find(part);
    if (at == std::string::npos) {
      continue;
    }
    std::string ending;
    for (const std::string_view kept : {".weight", ".bias"}) {
      if (plain.ends_with(kept) && part != ".lora_magnitude_vector.") {
        ending = kept;
      }
    }
    return plain.substr(0, at + part.size() - 1) + ending;
  }
  return plain;
}

enum class Network : std::uint8_t { unet, text_encoder };

struct Prefix {
  std::string_view text;  // "_" stands for "."
  std::optional<Network> network = {};
};

/// Prefixes of layer names by maker. A prefix comes before any other that it begins with.
constexpr auto kPrefixes = std::to_array<Prefix>({
    {"base_model_model_"},                                         // peft
    {"lycoris_"},                                                  // LyCORIS around any network
    {"lora_unet_", Network::unet},                                 // kohya, OneTrainer
    {"unet_", Network::unet},                                      // diffusers, OneTrainer
    {"model_", Network::unet},                                     // before "diffusion_model."
    {"diffusion_model_", Network::unet},                           // ComfyUI
    {"lora_te_", Network::text_encoder},                           // kohya, OneTrainer
    {"lora_te1_", Network::text_encoder},                          // kohya
    {"text_encoders_clip_l_transformer_", Network::text_encoder},  // ComfyUI
    {"text_encoders_clip_h_transformer_", Network::text_encoder},  // ComfyUI, Stable Diffusion 2.x
    {"clip_l_", Network::text_encoder},                            // OneTrainer
    {"text_encoder_", Network::text_encoder},                      // diffusers
    {"text_model_", Network::text_encoder},                        // transformers before version 5
});

/// Removes the makers' prefixes from a name with "_" for ".". Returns the network that they imply, if any.
std::optional<Network> remove_prefixes(std::string_view& name) {
  std::optional<Network> network;
  for (const Prefix& prefix : kPrefixes) {
    if (name.starts_with(prefix.text)) {
      name.remove_prefix(prefix.text.size());
      network = prefix.network ? prefix.network : network;
    }
  }
  return network;
}

/// Adds a layer's other names: "to_out" of old processors, "to_q" for a text encoder's "q_proj".
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
  const std::string plain = remove_peft_names(key);
  for (const auto& [ending, part, method] : kEndings) {
    if (plain.ends_with(ending)) {
      return LoraKey{plain.substr(0, plain.size() - ending.size()), part, method};
    }
  }
  return std::nullopt;
}

LoraLayerNames::LoraLayerNames(const std::vector<std::string>& unet_layers,
                               const std::vector<std::string>& text_encoder_layers) {
  const OriginalUNetNames original = OriginalUNetNames::from_current(unet_layers);
  for (const std::string& layer : unet_layers) {
    add_aliases(unet_, flatten_name(layer), layer);
    if (const std::optional<std::string> name = original.to_original(layer)) {
      unet_.emplace(flatten_name(*name), layer);
    }
  }
  for (const std::string& layer : text_encoder_layers) {
    add_aliases(text_encoder_, flatten_name(layer), layer);
  }
}

std::optional<LoraLayerNames::FoundLayer> LoraLayerNames::find(std::string_view layer_in_key) const {
  std::string flat_name = flatten_name(std::string(layer_in_key));
  static constexpr std::string_view kProcessor = "_processor";
  if (const std::size_t at = flat_name.find(kProcessor); at != std::string::npos) {
    flat_name.erase(at, kProcessor.size());
  }
  std::string_view name = flat_name;
  const std::optional<Network> network = remove_prefixes(name);
  for (const Network tried : {Network::unet, Network::text_encoder}) {
    const auto& names = tried == Network::unet ? unet_ : text_encoder_;
    const auto found = network.value_or(tried) == tried ? names.find(name) : names.end();
    if (found != names.end()) {
      return FoundLayer{tried == Network::unet, found->second};
    }
  }
  return std::nullopt;
}

std::optional<LoraLayerNames::FoundLayer> LoraLayerNames::find_beginning(std::string_view key) const {
  for (std::size_t dot = key.rfind('.'); dot != std::string_view::npos; dot = key.rfind('.', dot - 1)) {
    if (dot == 0) {
      break;
    }
    if (const std::optional<FoundLayer> found = find(key.substr(0, dot))) {
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace streamdiffusion
