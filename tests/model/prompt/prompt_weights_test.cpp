#include "model/prompt/prompt_weights.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

/// The expected values come from parse_prompt_attention of AUTOMATIC1111's web UI.
TEST(PromptWeights, AreThoseOfTheWebUi) {
  const auto expect = [](const char* prompt, const std::vector<WeightedText>& expected) {
    const std::vector<WeightedText> parts = parse_prompt_weights(prompt);
    ASSERT_EQ(parts.size(), expected.size()) << prompt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      EXPECT_EQ(parts[i].text, expected[i].text) << prompt;
      EXPECT_NEAR(parts[i].weight, expected[i].weight, 1e-12) << prompt;
    }
  };
  expect("normal text", {{"normal text", 1}});
  expect("an (important) word", {{"an ", 1}, {"important", 1.1}, {" word", 1}});
  expect("(unbalanced", {{"unbalanced", 1.1}});
  expect("\\(literal\\]", {{"(literal]", 1}});
  expect("(unnecessary)(parens)", {{"unnecessaryparens", 1.1}});
  expect("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", {{"a ", 1},
                                                                 {"house", 1.5730000000000004},
                                                                 {" ", 1.1},
                                                                 {"on", 1},
                                                                 {" a ", 1.1},
                                                                 {"hill", 0.55},
                                                                 {", sun, ", 1.1},
                                                                 {"sky", 1.4641000000000006},
                                                                 {".", 1.1}});
  expect("", {{"", 1}});
  expect("[less] (a : +1.5 )", {{"less", 1 / 1.1}, {" ", 1}, {"a ", 1.5}});
  expect("ratio 3:2, :) and a:1.3)", {{"ratio 3:2, :) and a:1.3)", 1}});
  expect("(a:b) ]", {{"a:b", 1.1}, {" ]", 1}});
  expect("(a:1-2)", {{"a:1-2", 1.1}});
  expect("back\\slash \\\\ (x:-0.5)", {{"backslash \\ ", 1}, {"x", -0.5}});
}

TEST(PromptWeights, RefusesNumbersThatAreNone) {
  expect_error([] { parse_prompt_weights("(a:1.2.3)"); }, {"1.2.3"});
  expect_error([] { parse_prompt_weights("(a:" + std::string(60, '9') + ")"); }, {"weigh"});
  expect_error([] { parse_prompt_weights(std::string(5000, '(') + "a"); }, {"weigh"});
}

TEST(PromptWeights, KeepTheMean) {
  std::vector<float> embedding = {1, 2, 3, 4, 5, 6};
  apply_prompt_weights(std::vector<float>{1, 2, 0.5F}, embedding);
  const float factor = 21.0F / (3 + 14 + 5.5F);
  const std::vector<float> expected = {1, 2, 6, 8, 2.5F, 3};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_FLOAT_EQ(embedding[i], expected[i] * factor);
  }
}

TEST(PromptWeights, OfZeroGiveZeros) {
  std::vector<float> embedding = {1, 2};
  apply_prompt_weights(std::vector<float>{0, 0}, embedding);
  EXPECT_EQ(embedding, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace streamdiffusion
