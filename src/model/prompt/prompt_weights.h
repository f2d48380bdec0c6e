#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A part of a prompt whose words count more or less than others.
struct WeightedText {
  std::string text;
  double weight = 1;

  bool operator==(const WeightedText&) const = default;
};

/// A prompt with weights as AUTOMATIC1111's web UI takes them: `(word)` 1.1, `[word]` 1 / 1.1, nested ones
/// multiplied, `(word:1.3)` 1.3; a backslash before a bracket or a backslash leaves it as it is; brackets
/// that are not closed reach to the end. Never empty. Throws Error for a weight that is no finite number.
std::vector<WeightedText> parse_prompt_weights(std::string_view prompt);

/// Multiplies each token's row of what the text encoder makes of a prompt by its weight, then all by what
/// brings their mean back, as that program does.
void apply_prompt_weights(std::span<const float> weights, std::span<float> embedding);

}  // namespace streamdiffusion
