#include "model/single_file/ema_names.h"

#include <algorithm>
#include <array>

namespace streamdiffusion {
namespace {

// The parts of original names. A part comes before its own prefixes, so that the first match is the longest.
constexpr std::array<std::string_view, 30> kParts = {"input_blocks",
                                                     "middle_block",
                                                     "output_blocks",
                                                     "time_embed",
                                                     "label_emb",
                                                     "in_layers",
                                                     "out_layers",
                                                     "emb_layers",
                                                     "skip_connection",
                                                     "transformer_blocks",
                                                     "proj_in",
                                                     "proj_out",
                                                     "proj",
                                                     "norm1",
                                                     "norm2",
                                                     "norm3",
                                                     "norm",
                                                     "attn1",
                                                     "attn2",
                                                     "to_q",
                                                     "to_k",
                                                     "to_v",
                                                     "to_out",
                                                     "ff",
                                                     "net",
                                                     "conv",
                                                     "weight",
                                                     "bias",
                                                     "out",
                                                     "op"};

std::string_view leading_part(std::string_view text) {
  const auto* const found =
      std::ranges::find_if(kParts, [&](std::string_view part) { return text.starts_with(part); });
  return found != kParts.end() ? *found : std::string_view();
}

std::string_view leading_digits(std::string_view text) {
  const auto* const end = std::ranges::find_if(text, [](char c) { return c < '0' || c > '9'; });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

}  // namespace

std::optional<std::string> from_ema_name(std::string_view name) {
  std::string dotted;
  while (!name.empty()) {
    const std::string_view part = leading_part(name);
    if (part.empty()) {
      return std::nullopt;
    }
    name.remove_prefix(part.size());
    dotted.append(dotted.empty() ? "" : ".").append(part);

    const std::string_view digits = leading_digits(name);
    name.remove_prefix(digits.size());
    // These have two numbers: the block's and, of one digit, the module's.
    const bool two_numbers = part == "input_blocks" || part == "output_blocks";
    if (two_numbers && digits.size() >= 2) {
      dotted.append(".")
          .append(digits.substr(0, digits.size() - 1))
          .append(".")
          .append(digits.substr(digits.size() - 1));
    } else if (!digits.empty()) {
      dotted.append(".").append(digits);
    }
  }
  return dotted.empty() ? std::nullopt : std::optional(dotted);
}

}  // namespace streamdiffusion
