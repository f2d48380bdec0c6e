#include "model/weights/original_unet_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace streamdiffusion {
namespace {

using Names = std::array<std::pair<std::string_view, std::string_view>, 4>;

constexpr Names kOutside = {{{"time_embedding.linear_1", "time_embed.0"},
                             {"time_embedding.linear_2", "time_embed.2"},
                             {"conv_in", "input_blocks.0.0"},
                             {"conv_out", "out.2"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kInResnet = {
    {{"conv1", "in_layers.2"},
     {"time_emb_proj", "emb_layers.1"},
     {"conv2", "out_layers.3"},
     {"conv_shortcut", "skip_connection"}}};

std::optional<std::string> look_up(const Names& names, std::string_view name) {
  const auto* const found = std::ranges::find(names, name, &Names::value_type::first);
  return found == names.end() ? std::nullopt : std::optional(std::string(found->second));
}

/// Which modules a model has, by the beginnings of its layers' names.
class Modules {
 public:
  explicit Modules(const std::vector<std::string>& layers) : layers_(layers) {}
  [[nodiscard]] bool has(const std::string& module) const {
    return std::ranges::any_of(layers_,
                               [&](const std::string& layer) { return layer.starts_with(module + "."); });
  }

 private:
  const std::vector<std::string>& layers_;
};

std::string numbered(const std::string& name, int number) { return name + "." + std::to_string(number); }

void name_down_blocks(const Modules& modules, std::map<std::string, std::string>& names) {
  int input = 0;  // input_blocks.0 is conv_in
  for (int b = 0; modules.has(numbered("down_blocks", b)); ++b) {
    const std::string block = numbered("down_blocks", b);
    for (int r = 0; modules.has(numbered(block + ".resnets", r)); ++r) {
      const std::string original = numbered("input_blocks", ++input);
      names[numbered(block + ".resnets", r)] = original + ".0";
      names[numbered(block + ".attentions", r)] = original + ".1";
    }
    if (modules.has(block + ".downsamplers.0")) {
      names[block + ".downsamplers.0"] = numbered("input_blocks", ++input) + ".0";
    }
  }
}

void name_up_blocks(const Modules& modules, std::map<std::string, std::string>& names) {
  int output = -1;
  for (int b = 0; modules.has(numbered("up_blocks", b)); ++b) {
    const std::string block = numbered("up_blocks", b);
    for (int r = 0; modules.has(numbered(block + ".resnets", r)); ++r) {
      const std::string original = numbered("output_blocks", ++output);
      names[numbered(block + ".resnets", r)] = original + ".0";
      names[numbered(block + ".attentions", r)] = original + ".1";
    }
    if (modules.has(block + ".upsamplers.0")) {  // in the group of the last resnet, behind its attention
      names[block + ".upsamplers.0"] =
          numbered("output_blocks", output) + (modules.has(block + ".attentions.0") ? ".2" : ".1");
    }
  }
}

/// The length of the module's name at the beginning of a layer's: "down_blocks.0.resnets.1",
/// "mid_block.resnets.0".
std::size_t module_length(const std::string& layer) {
  const std::size_t parts = layer.starts_with("mid_block.") ? 3 : 4;
  std::size_t at = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    at = layer.find('.', at);
    if (at == std::string::npos) {
      return layer.size();
    }
    ++at;
  }
  return at - 1;
}

}  // namespace

OriginalUNetNames::OriginalUNetNames(const std::vector<std::string>& layers) {
  const Modules modules(layers);
  name_down_blocks(modules, modules_);
  name_up_blocks(modules, modules_);
  modules_["mid_block.resnets.0"] = "middle_block.0";
  modules_["mid_block.attentions.0"] = "middle_block.1";
  modules_["mid_block.resnets.1"] = "middle_block.2";
}

std::optional<std::string> OriginalUNetNames::find(const std::string& layer) const {
  if (std::optional<std::string> name = look_up(kOutside, layer)) {
    return name;
  }
  const std::size_t length = module_length(layer);
  const auto module = modules_.find(layer.substr(0, length));
  if (module == modules_.end() || length >= layer.size()) {
    return std::nullopt;
  }
  const std::string inside = layer.substr(length + 1);
  if (layer.find(".resnets.") != std::string::npos) {
    const std::optional<std::string> name = look_up(kInResnet, inside);
    return name ? std::optional(module->second + "." + *name) : std::nullopt;
  }
  const bool downsampler = layer.find(".downsamplers.") != std::string::npos;
  return module->second + "." + (downsampler ? "op" : inside);
}

}  // namespace streamdiffusion
