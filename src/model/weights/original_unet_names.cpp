#include "model/weights/original_unet_names.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace streamdiffusion {
namespace {

/// A part of a name in diffusers (first) and in the original (second).
using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 5> kOutside = {{{"time_embedding.linear_1", "time_embed.0"},
                                           {"time_embedding.linear_2", "time_embed.2"},
                                           {"conv_in", "input_blocks.0.0"},
                                           {"conv_norm_out", "out.0"},
                                           {"conv_out", "out.2"}}};

constexpr std::array<Pair, 6> kInResnet = {{{"norm1", "in_layers.0"},
                                            {"conv1", "in_layers.2"},
                                            {"time_emb_proj", "emb_layers.1"},
                                            {"norm2", "out_layers.0"},
                                            {"conv2", "out_layers.3"},
                                            {"conv_shortcut", "skip_connection"}}};

constexpr std::array<Pair, 1> kInDownsampler = {{{"conv", "op"}}};

/// Returns the other half of the pair whose half `from` equals `name`.
template <std::size_t count>
std::optional<std::string> look_up(const std::array<Pair, count>& pairs, std::string_view Pair::*from,
                                   std::string_view name) {
  const auto* const found = std::ranges::find(pairs, name, from);
  if (found == pairs.end()) {
    return std::nullopt;
  }
  return std::string(from == &Pair::first ? found->second : found->first);
}

/// The set of a model's modules: every name, and every beginning of a name up to a dot.
class Modules {
 public:
  explicit Modules(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      for (std::size_t at = name.find('.'); at != std::string::npos; at = name.find('.', at + 1)) {
        modules_.insert(name.substr(0, at));
      }
      modules_.insert(name);
    }
  }
  [[nodiscard]] bool has_module(const std::string& module) const { return modules_.contains(module); }

 private:
  std::set<std::string> modules_;
};

std::string numbered(const std::string& name, int number) { return name + "." + std::to_string(number); }

/// Returns the length of the module's name that a layer's name begins with: "down_blocks.0.resnets.1",
/// "mid_block.resnets.0", "input_blocks.1.0" or "middle_block.2".
std::size_t module_length(std::string_view layer) {
  std::size_t parts = 3;
  if (layer.starts_with("down_blocks.") || layer.starts_with("up_blocks.")) {
    parts = 4;
  } else if (layer.starts_with("middle_block.")) {
    parts = 2;
  }
  std::size_t at = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    at = layer.find('.', at);
    if (at == std::string_view::npos) {
      return layer.size();
    }
    ++at;
  }
  return at - 1;
}

}  // namespace

OriginalUNetNames OriginalUNetNames::from_current(const std::vector<std::string>& names) {
  const Modules modules(names);
  const auto blocks_of = [&](const std::string& blocks_name, const std::string& sampler) {
    std::vector<Block> blocks;
    for (int b = 0; modules.has_module(numbered(blocks_name, b)); ++b) {
      const std::string name = numbered(blocks_name, b);
      Block& block = blocks.emplace_back();
      while (modules.has_module(numbered(name + ".resnets", block.resnets))) {
        ++block.resnets;
      }
      block.attention = modules.has_module(name + ".attentions.0");
      block.sampler = modules.has_module(name + sampler);
    }
    return blocks;
  };
  return {blocks_of("down_blocks", ".downsamplers.0"), blocks_of("up_blocks", ".upsamplers.0")};
}

OriginalUNetNames OriginalUNetNames::from_original(const std::vector<std::string>& names) {
  const Modules modules(names);
  std::vector<Block> down(1);
  for (int i = 1; modules.has_module(numbered("input_blocks", i)); ++i) {  // input_blocks.0 is conv_in
    const std::string name = numbered("input_blocks", i);
    if (modules.has_module(name + ".0.op")) {
      down.back().sampler = true;
      down.emplace_back();
    } else {
      ++down.back().resnets;
      down.back().attention = down.back().attention || modules.has_module(name + ".1");
    }
  }
  std::vector<Block> up(1);
  for (int i = 0; modules.has_module(numbered("output_blocks", i)); ++i) {
    const std::string name = numbered("output_blocks", i);
    ++up.back().resnets;
    up.back().attention = up.back().attention || modules.has_module(name + ".1.proj_in");
    if (modules.has_module(name + ".1.conv") || modules.has_module(name + ".2.conv")) {
      up.back().sampler = true;
      up.emplace_back();
    }
  }
  return {down, up};
}

OriginalUNetNames::OriginalUNetNames(const std::vector<Block>& down_blocks,
                                     const std::vector<Block>& up_blocks) {
  add_down_blocks(down_blocks);
  add_up_blocks(up_blocks);
  add("mid_block.resnets.0", "middle_block.0", Kind::resnet);
  add("mid_block.attentions.0", "middle_block.1", Kind::attention);
  add("mid_block.resnets.1", "middle_block.2", Kind::resnet);
}

void OriginalUNetNames::add(const std::string& current, const std::string& original, Kind kind) {
  by_current_[current] = {original, kind};
  by_original_[original] = {current, kind};
}

void OriginalUNetNames::add_down_blocks(const std::vector<Block>& blocks) {
  int input = 0;
  for (int b = 0; b < static_cast<int>(blocks.size()); ++b) {
    const Block& block = blocks[static_cast<std::size_t>(b)];
    const std::string name = numbered("down_blocks", b);
    for (int r = 0; r < block.resnets; ++r) {
      const std::string original = numbered("input_blocks", ++input);
      add(numbered(name + ".resnets", r), original + ".0", Kind::resnet);
      add(numbered(name + ".attentions", r), original + ".1", Kind::attention);
    }
    if (block.sampler) {
      add(name + ".downsamplers.0", numbered("input_blocks", ++input) + ".0", Kind::downsampler);
    }
  }
}

void OriginalUNetNames::add_up_blocks(const std::vector<Block>& blocks) {
  int output = -1;
  for (int b = 0; b < static_cast<int>(blocks.size()); ++b) {
    const Block& block = blocks[static_cast<std::size_t>(b)];
    const std::string name = numbered("up_blocks", b);
    for (int r = 0; r < block.resnets; ++r) {
      const std::string original = numbered("output_blocks", ++output);
      add(numbered(name + ".resnets", r), original + ".0", Kind::resnet);
      if (block.attention) {
        add(numbered(name + ".attentions", r), original + ".1", Kind::attention);
      }
    }
    if (block.sampler) {  // in the last resnet's group, after its attention
      add(name + ".upsamplers.0", numbered("output_blocks", output) + (block.attention ? ".2" : ".1"),
          Kind::upsampler);
    }
  }
}

std::optional<std::string> OriginalUNetNames::to_original(const std::string& layer) const {
  return translate(layer, by_current_, true);
}

std::optional<std::string> OriginalUNetNames::to_current(const std::string& layer) const {
  return translate(layer, by_original_, false);
}

std::optional<std::string> OriginalUNetNames::translate(std::string_view layer, const ModulesByName& modules,
                                                        bool from_current) {
  const auto from = from_current ? &Pair::first : &Pair::second;
  if (std::optional<std::string> name = look_up(kOutside, from, layer)) {
    return name;
  }
  const std::size_t length = module_length(layer);
  const auto module = modules.find(layer.substr(0, length));
  if (module == modules.end() || length >= layer.size()) {
    return std::nullopt;
  }
  const std::string_view inside = layer.substr(length + 1);
  std::optional<std::string> name(inside);
  if (module->second.kind == Kind::resnet) {
    name = look_up(kInResnet, from, inside);
  } else if (module->second.kind == Kind::downsampler) {
    name = look_up(kInDownsampler, from, inside);
  }
  return name ? std::optional(module->second.name + "." + *name) : std::nullopt;
}

}  // namespace streamdiffusion
