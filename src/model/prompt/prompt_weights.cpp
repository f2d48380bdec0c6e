#include "model/prompt/prompt_weights.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr double kStep = 1.1;
constexpr std::string_view kSpecial = "\\()[]:";

/// A weight and closing bracket such as ":1.3)". Spaces are allowed around the number.
struct WeightEnd {
  double weight = 1;
  std::size_t size = 0;
};

/// Parses the WeightEnd at the beginning of `text`. Returns nothing if there is none.
std::optional<WeightEnd> parse_weight_end(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\r";
  const std::size_t begin = text.find_first_not_of(kSpaces, 1);
  const bool sign = begin < text.size() && (text[begin] == '+' || text[begin] == '-');
  const std::size_t end = text.find_first_not_of(".0123456789", begin + (sign ? 1 : 0));
  const std::size_t close = text.find_first_not_of(kSpaces, end);
  if (begin >= text.size() || end == begin + (sign ? 1 : 0) || close >= text.size() || text[close] != ')') {
    return std::nullopt;
  }
  std::string_view number = text.substr(begin, end - begin);
  number.remove_prefix(number.front() == '+' ? 1 : 0);
  WeightEnd found{.size = close + 1};
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), found.weight);
  if (error != std::errc() || rest != number.data() + number.size()) {
    throw Error(
        "the prompt has the weight \"" + std::string(number) + "\", which is no number: write (word:1.3)",
        ErrorCode::invalid_prompt);
  }
  return found;
}

class Parser {
 public:
  std::vector<WeightedText> parse(std::string_view prompt) {
    while (!prompt.empty()) {
      prompt.remove_prefix(take(prompt));
    }
    for (const std::size_t begin : round_) {
      multiply(begin, kStep);
    }
    for (const std::size_t begin : square_) {
      multiply(begin, 1 / kStep);
    }
    return merged();
  }

 private:
  /// Consumes the first element of `rest` (escape, bracket, weight or text) and returns its size in bytes.
  std::size_t take(std::string_view rest) {
    const char first = rest.front();
    if (first == '\\') {
      const bool escape =
          rest.size() > 1 && rest[1] != ':' && kSpecial.find(rest[1]) != std::string_view::npos;
      add(escape ? rest.substr(1, 1) : std::string_view());  // a lone backslash is dropped
      return escape ? 2 : 1;
    }
    if (first == '(' || first == '[') {
      (first == '(' ? round_ : square_).push_back(parts_.size());
      return 1;
    }
    if (first == ':' && !round_.empty()) {
      if (const auto end = parse_weight_end(rest)) {
        close(round_, end->weight);
        return end->size;
      }
    }
    if (first == ')' && !round_.empty()) {
      close(round_, kStep);
      return 1;
    }
    if (first == ']' && !square_.empty()) {
      close(square_, 1 / kStep);
      return 1;
    }
    const std::size_t size = std::min(rest.find_first_of(kSpecial, 1), rest.size());
    add(rest.substr(0, size));
    return size;
  }

  void add(std::string_view text) { parts_.push_back({std::string(text), 1}); }

  void close(std::vector<std::size_t>& open, double weight) {
    multiply(open.back(), weight);
    open.pop_back();
  }

  void multiply(std::size_t begin, double weight) {
    for (std::size_t i = begin; i < parts_.size(); ++i) {
      parts_[i].weight *= weight;
    }
  }

  [[nodiscard]] std::vector<WeightedText> merged() const {
    std::vector<WeightedText> all;
    for (const WeightedText& part : parts_) {
      if (!std::isfinite(static_cast<float>(part.weight))) {
        throw Error("the prompt weighs \"" + part.text + "\" by more than can be computed",
                    ErrorCode::invalid_prompt);
      }
      if (!all.empty() && all.back().weight == part.weight) {
        all.back().text += part.text;
      } else {
        all.push_back(part);
      }
    }
    if (all.empty()) {
      all.emplace_back();
    }
    return all;
  }

  std::vector<WeightedText> parts_;
  std::vector<std::size_t> round_;  // for each open bracket, the index of the first part inside it
  std::vector<std::size_t> square_;
};

}  // namespace

std::vector<WeightedText> parse_prompt_weights(std::string_view prompt) { return Parser().parse(prompt); }

void apply_prompt_weights(std::span<const float> weights, std::span<float> embedding) {
  assert(!weights.empty() && embedding.size() % weights.size() == 0);
  const std::size_t row = embedding.size() / weights.size();
  const double before = std::reduce(embedding.begin(), embedding.end(), 0.0);
  for (std::size_t i = 0; i < embedding.size(); ++i) {
    embedding[i] *= weights[i / row];
  }
  const double after = std::reduce(embedding.begin(), embedding.end(), 0.0);
  const auto factor = static_cast<float>(before / after);
  if (std::isfinite(factor)) {  // not finite if the weights are all zero: the mean cannot be restored
    for (float& value : embedding) {
      value *= factor;
    }
  }
}

}  // namespace streamdiffusion
