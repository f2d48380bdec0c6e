#include "model/single_file/autoencoder_names.h"

#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "model/files/tensor_files.h"

namespace streamdiffusion {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

/// Parts of names, between dots, that are only replaced by another word.
constexpr std::array<Pair, 2> kWords = {{{"norm_out", "conv_norm_out"}, {"nin_shortcut", "conv_shortcut"}}};
constexpr std::array<Pair, 5> kInAttention = {
    {{"norm", "group_norm"}, {"q", "to_q"}, {"k", "to_k"}, {"v", "to_v"}, {"proj_out", "to_out.0"}}};
constexpr std::array<std::string_view, 2> kOfTraining = {"loss.", "model_ema."};

std::vector<std::string> split(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    parts.emplace_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  parts.emplace_back(name);
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string name;
  for (const std::string& part : parts) {
    name += (name.empty() ? "" : ".") + part;
  }
  return name;
}

template <std::size_t count>
void replace_word(const std::array<Pair, count>& words, std::string& word) {
  for (const auto& [original, current] : words) {
    if (word == original) {
      word = current;
      return;
    }
  }
}

/// Converts the number of a decoder level: the original counts from the finest, diffusers from the coarsest.
std::string reversed(const std::string& level, int levels) {
  int number = 0;
  const auto [end, error] = std::from_chars(level.data(), level.data() + level.size(), number);
  const bool whole = error == std::errc() && end == level.data() + level.size();
  return whole && number >= 0 && number < levels ? std::to_string(levels - 1 - number) : level;
}

/// Renames parts such as those of encoder.down.0.block.1 and decoder.up.0.upsample.
void rename_level(std::vector<std::string>& parts, int decoder_levels) {
  const bool up = parts[1] == "up";
  parts[2] = up ? reversed(parts[2], decoder_levels) : parts[2];
  parts[1] += "_blocks";
  if (parts[3] == "block") {
    parts[3] = "resnets";
  } else if (parts[3] == "downsample" || parts[3] == "upsample") {
    parts[3] += "rs.0";  // downsamplers.0, upsamplers.0
  }
}

/// Renames parts such as those of encoder.mid.block_1 and encoder.mid.attn_1.
void rename_mid(std::vector<std::string>& parts) {
  parts[1] = "mid_block";
  if (parts[2] == "block_1") {
    parts[2] = "resnets.0";
  } else if (parts[2] == "block_2") {
    parts[2] = "resnets.1";
  } else if (parts[2] == "attn_1") {
    parts[2] = "attentions.0";
    replace_word(kInAttention, parts[3]);
  }
}

std::string current_name(const std::string& name, int decoder_levels) {
  std::vector<std::string> parts = split(name);
  for (std::string& part : parts) {
    replace_word(kWords, part);
  }
  const bool deep = parts.size() >= 5;
  if (deep && (parts[1] == "down" || parts[1] == "up")) {
    rename_level(parts, decoder_levels);
  } else if (deep && parts[1] == "mid") {
    rename_mid(parts);
  }
  return join(parts);
}

bool is_of_training(const std::string& name) {
  for (const std::string_view prefix : kOfTraining) {
    if (name.starts_with(prefix)) {
      return true;
    }
  }
  return false;
}

int count_decoder_levels(const std::map<std::string, FileTensor>& original) {
  int levels = 0;
  while (original.contains("decoder.up." + std::to_string(levels) + ".block.0.conv1.weight")) {
    ++levels;
  }
  return levels;
}

}  // namespace

std::map<std::string, FileTensor> autoencoder_tensors(const std::map<std::string, FileTensor>& original,
                                                      const std::string& where) {
  const int decoder_levels = count_decoder_levels(original);
  std::map<std::string, FileTensor> tensors;
  for (const auto& [name, tensor] : original) {
    if (!is_of_training(name)) {
      insert_tensor(tensors, current_name(name, decoder_levels), tensor, where);
    }
  }
  return tensors;
}

}  // namespace streamdiffusion
