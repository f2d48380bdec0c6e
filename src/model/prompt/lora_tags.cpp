#include "model/prompt/lora_tags.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr std::string_view kBegin = "<lora:";

/// Parses "NAME" or "NAME:SCALE". Throws PromptError if the name is empty or the scale is no finite number.
LoraScale parse_tag(std::string_view inside) {
  const std::size_t colon = inside.find(':');
  LoraScale lora{.name = std::string(inside.substr(0, colon)), .scale = 1.0F};
  bool valid = !lora.name.empty();
  if (colon != std::string_view::npos) {
    const std::string_view number = inside.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), lora.scale);
    valid =
        valid && error == std::errc() && end == number.data() + number.size() && std::isfinite(lora.scale);
  }
  if (!valid) {
    throw PromptError("the prompt has \"" + std::string(kBegin) + std::string(inside) +
                      ">\"; a LoRA is written <lora:NAME:SCALE>, as <lora:style:0.8>");
  }
  return lora;
}

}  // namespace

TaggedPrompt take_lora_tags(const std::string& prompt) {
  TaggedPrompt tagged;
  std::string_view rest = prompt;
  for (std::size_t begin = rest.find(kBegin); begin != std::string_view::npos; begin = rest.find(kBegin)) {
    const std::size_t end = rest.find('>', begin);
    if (end == std::string_view::npos) {
      throw PromptError("the prompt has \"" + std::string(rest.substr(begin)) + "\", which lacks its \">\"");
    }
    const std::size_t inside = begin + kBegin.size();
    tagged.loras.push_back(parse_tag(rest.substr(inside, end - inside)));
    tagged.text += rest.substr(0, begin);
    rest.remove_prefix(end + 1);
  }
  tagged.text += rest;
  return tagged;
}

void check_negative_prompt(const std::string& negative_prompt) {
  if (negative_prompt.find(kBegin) != std::string::npos) {
    throw PromptError("the negative prompt has a LoRA tag \"" + std::string(kBegin) +
                          "...>\", where it does nothing; write it into the prompt",
                      "negative_prompt");
  }
}

}  // namespace streamdiffusion
