#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A part of a prompt and the factor by which its words count.
struct WeightedText {
  std::string text;
  double weight = 1;

  bool operator==(const WeightedText&) const = default;
};

/// Parses weights in the syntax of AUTOMATIC1111's web UI: `(word)` is 1.1, `[word]` is 1 / 1.1, `(word:1.3)`
/// is 1.3. Nested weights are multiplied. A backslash escapes a bracket or a backslash. Unclosed brackets
/// reach to the end. The result is never empty. Throws Error for a weight that is no finite number.
std::vector<WeightedText> parse_prompt_weights(std::string_view prompt);

/// Multiplies each token's row of `embedding` [weights.size()][channels] by its weight. Then rescales all
/// values to the mean that they had before, as AUTOMATIC1111's web UI does.
void apply_prompt_weights(std::span<const float> weights, std::span<float> embedding);

}  // namespace streamdiffusion
