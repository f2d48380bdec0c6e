#pragma once

#include <string>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// A prompt without its tags `<lora:NAME:SCALE>`, and the LoRAs that they name.
struct TaggedPrompt {
  std::string text;
  std::vector<LoraScale> loras;  ///< In the order of the tags; a name may occur twice.
};

/// Removes the LoRA tags from a prompt. The default scale is 1. Throws PromptError for a malformed tag.
TaggedPrompt take_lora_tags(const std::string& prompt);

/// Throws PromptError if the negative prompt has a LoRA tag: LoRAs change the network's weights, which both
/// prompts share.
void check_negative_prompt(const std::string& negative_prompt);

}  // namespace streamdiffusion
