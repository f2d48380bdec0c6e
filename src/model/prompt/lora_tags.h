#pragma once

#include <string>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// A prompt without its tags `<lora:NAME:SCALE>`, and what they say.
struct TaggedPrompt {
  std::string text;
  std::vector<LoraScale> loras;  ///< as they come; a name may be there twice
};

/// Takes the tags out of a prompt. Without a scale it is 1. Throws Error for a tag that is written wrongly.
TaggedPrompt take_lora_tags(const std::string& prompt);

}  // namespace streamdiffusion
