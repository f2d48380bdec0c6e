// Checks that any text gives an Error or a prompt with its LoRAs and weights.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "model/prompt/lora_tags.h"
#include "model/prompt/prompt_weights.h"
#include "streamdiffusion/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streamdiffusion;
  const std::string prompt(reinterpret_cast<const char*>(data), size);
  try {
    const TaggedPrompt tagged = take_lora_tags(prompt);
    if (tagged.text.size() + tagged.loras.size() > prompt.size()) {
      std::abort();
    }
    std::size_t length = 0;
    for (const WeightedText& part : parse_prompt_weights(tagged.text)) {
      length += part.text.size();
      if (!std::isfinite(part.weight)) {
        std::abort();
      }
    }
    if (length > tagged.text.size()) {
      std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
