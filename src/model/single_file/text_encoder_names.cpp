#include "model/single_file/text_encoder_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "model/files/tensor_files.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Tensors that CLIP needs only to compare texts with images.
constexpr std::array<std::string_view, 4> kNotUsed = {"text_projection", "text_projection.weight",
                                                      "logit_scale", "attn_mask"};

constexpr std::array<Pair, 4> kOutsideLayers = {
    {{"token_embedding.weight", "embeddings.token_embedding.weight"},
     {"positional_embedding", "embeddings.position_embedding.weight"},
     {"ln_final.weight", "final_layer_norm.weight"},
     {"ln_final.bias", "final_layer_norm.bias"}}};

constexpr std::array<Pair, 5> kInLayer = {{{"ln_1.", "layer_norm1."},
                                           {"ln_2.", "layer_norm2."},
                                           {"mlp.c_fc.", "mlp.fc1."},
                                           {"mlp.c_proj.", "mlp.fc2."},
                                           {"attn.out_proj.", "self_attn.out_proj."}}};

constexpr std::string_view kLayers = "transformer.resblocks.";
// Layers of the OpenCLIP text encoder that Stable Diffusion 2 was trained with.
constexpr std::size_t kWholeLayers = 24;

bool is_used(const std::string& name) { return std::ranges::find(kNotUsed, name) == kNotUsed.end(); }

/// Returns "3" and "ln_1.weight" for "transformer.resblocks.3.ln_1.weight", empty texts outside layers.
std::pair<std::string, std::string> split_at_layer(const std::string& name) {
  const std::size_t dot = name.starts_with(kLayers) ? name.find('.', kLayers.size()) : std::string::npos;
  if (dot == std::string::npos) {
    return {};
  }
  return {name.substr(kLayers.size(), dot - kLayers.size()), name.substr(dot + 1)};
}

/// Returns the number of a whole OpenCLIP's last layer, or an empty text if the file lacks unused layers.
std::string last_unused_layer(const std::map<std::string, FileTensor>& original) {
  std::size_t layers = 0;
  while (original.contains(std::string(kLayers) + std::to_string(layers) + ".ln_1.weight")) {
    ++layers;
  }
  const bool whole = layers == kWholeLayers || (layers > 1 && original.contains("text_projection"));
  return whole ? std::to_string(layers - 1) : "";
}

std::string current_name(const std::string& name) {
  for (const auto& [original, current] : kOutsideLayers) {
    if (name == original) {
      return std::string(current);
    }
  }
  const auto [number, inside] = split_at_layer(name);
  for (const auto& [original, current] : kInLayer) {
    if (!number.empty() && inside.starts_with(original)) {
      return "encoder.layers." + number + "." + std::string(current) + inside.substr(original.size());
    }
  }
  return name;
}

/// Splits a fused projection's rows into those of queries, keys and values, and adds them to `into`.
void add_projections(const std::string& number, const std::string& kind, const FileTensor& fused,
                     const std::string& where, std::map<std::string, FileTensor>& into) {
  FileTensor third = fused;
  if (fused.shape.empty() || fused.shape[0] % 3 != 0) {
    throw FileError(
        where + ": tensor \"" + std::string(kLayers) + number + ".attn.in_proj_" + kind +
        "\" does not divide into queries, keys and values; the file is damaged, download it again");
  }
  third.shape[0] /= 3;
  const std::size_t bytes = fused.bytes.size() / 3;
  std::size_t begin = 0;
  for (const char* const projection : {"q_proj.", "k_proj.", "v_proj."}) {
    third.bytes = fused.bytes.subspan(begin, bytes);
    insert_tensor(into, "encoder.layers." + number + ".self_attn." + projection + kind, third, where);
    begin += bytes;
  }
}

}  // namespace

std::map<std::string, FileTensor> clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                    const std::string& where) {
  std::map<std::string, FileTensor> tensors;
  for (const auto& [name, tensor] : original) {
    if (is_used(name)) {
      insert_tensor(tensors, current_text_encoder_name(name), tensor, where);
    }
  }
  return tensors;
}

std::map<std::string, FileTensor> open_clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                         const std::string& where) {
  const std::string unused = last_unused_layer(original);
  std::map<std::string, FileTensor> tensors;
  for (const auto& [name, tensor] : original) {
    const auto [number, inside] = split_at_layer(name);
    if (!is_used(name) || (!number.empty() && number == unused)) {
      continue;
    }
    if (!number.empty() && (inside == "attn.in_proj_weight" || inside == "attn.in_proj_bias")) {
      add_projections(number, inside.ends_with("weight") ? "weight" : "bias", tensor, where, tensors);
    } else {
      insert_tensor(tensors, current_name(name), tensor, where);
    }
  }
  return tensors;
}

}  // namespace streamdiffusion
