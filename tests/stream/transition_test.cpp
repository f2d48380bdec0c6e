// Tests blends of several prompts and seeds, and transitions between them.

#include <gtest/gtest.h>

#include <limits>

#include "model/errors.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

constexpr const char* kFirst = "a red boat on a lake";
constexpr const char* kSecond = "night";

Parameters with_prompts(float first, float second, Blend how = Blend::linear) {
  Parameters parameters = make_parameters({20});
  parameters.prompts = {{.text = kFirst, .weight = first}, {.text = kSecond, .weight = second}};
  parameters.prompt_blend = how;
  return parameters;
}

Parameters with_seeds(float first, float second) {
  Parameters parameters = make_parameters({20});
  parameters.seeds = {{.seed = 2, .weight = first}, {.seed = 9, .weight = second}};
  return parameters;
}

Frame image_of(const std::shared_ptr<Model>& model, const Parameters& parameters, std::int64_t number) {
  return generate_image(Stream(model, make_options(), parameters), make_frame(number));
}

class TransitionTest : public testing::Test {
 protected:
  static Parameters plain(const char* prompt) {
    Parameters parameters = make_parameters({20});
    parameters.prompt = prompt;
    return parameters;
  }

  std::shared_ptr<Model> model_ = load_tiny_model();
};

TEST_F(TransitionTest, PromptsOfOneWeightAloneAreThatPrompt) {
  const Frame first = image_of(model_, plain(kFirst), 0);
  EXPECT_GT(difference(first, image_of(model_, plain(kSecond), 0)), 0);
  for (const Blend how : {Blend::linear, Blend::slerp}) {
    EXPECT_EQ(difference(image_of(model_, with_prompts(1, 0, how), 0), first), 0);
    EXPECT_EQ(difference(image_of(model_, with_prompts(0.3F, 0, how), 0), first), 0);
  }
}

TEST_F(TransitionTest, WeightsAreShares) {
  EXPECT_LE(
      difference(image_of(model_, with_prompts(1, 3), 0), image_of(model_, with_prompts(0.25F, 0.75F), 0)),
      0);
  EXPECT_GT(difference(image_of(model_, with_prompts(1, 1), 0), image_of(model_, plain(kFirst), 0)), 0);
}

TEST_F(TransitionTest, RefusesWeightsThatAreNoShares) {
  expect_error([&] { image_of(model_, with_prompts(0, 0), 0); }, {"prompts"});
  expect_error([&] { image_of(model_, with_prompts(1, -1), 0); }, {"prompts"});
  expect_error([&] { image_of(model_, with_seeds(0, 0), 0); }, {"seeds"});
  Parameters parameters = plain(kFirst);
  parameters.prompt_transition = std::numeric_limits<float>::quiet_NaN();
  expect_error([&] { image_of(model_, parameters, 0); }, {"prompt_transition"});
}

TEST_F(TransitionTest, APromptTakesOverByTheFramesTimes) {
  // Frames are 0.04 s apart and the transition takes 0.16 s. The first frame after the change is at a quarter
  // of it, the fourth at its end.
  Parameters after = plain(kSecond);
  after.prompt_transition = 0.16F;
  Stream stream(model_, make_options(), plain(kFirst));
  step_frames(stream, 0, 3);
  stream.set_parameters(after);
  const std::vector<Frame> out = step_frames(stream, 3, 5);
  EXPECT_LE(difference(out[0], image_of(model_, with_prompts(0.75F, 0.25F), 3)), 1);
  EXPECT_LE(difference(out[1], image_of(model_, with_prompts(0.5F, 0.5F), 4)), 1);
  EXPECT_LE(difference(out[2], image_of(model_, with_prompts(0.25F, 0.75F), 5)), 1);
  EXPECT_EQ(difference(out[3], image_of(model_, plain(kSecond), 6)), 0);
  EXPECT_EQ(difference(out[4], image_of(model_, plain(kSecond), 7)), 0);
}

TEST_F(TransitionTest, ANewPromptMidwayStartsFromWhatIsShown) {
  Parameters there = plain(kSecond);
  there.prompt_transition = 0.08F;
  Parameters back = plain(kFirst);
  back.prompt_transition = 0.08F;
  Stream stream(model_, make_options(), plain(kFirst));
  step_frames(stream, 0, 1);
  stream.set_parameters(there);
  step_frames(stream, 1, 1);  // Half of the transition.
  stream.set_parameters(back);
  EXPECT_LE(difference(step_frames(stream, 2, 1)[0], image_of(model_, with_prompts(0.75F, 0.25F), 2)), 1);
  EXPECT_EQ(difference(step_frames(stream, 3, 1)[0], image_of(model_, plain(kFirst), 3)), 0);
}

TEST_F(TransitionTest, OtherChangesLetItGoOn) {
  Parameters after = plain(kSecond);
  after.prompt_transition = 0.16F;
  Stream stream(model_, make_options(), plain(kFirst));
  step_frames(stream, 0, 1);
  stream.set_parameters(after);
  step_frames(stream, 1, 1);
  after.t_index_list = {10};
  stream.set_parameters(after);
  Parameters half = with_prompts(0.5F, 0.5F);
  half.t_index_list = {10};
  EXPECT_LE(difference(step_frames(stream, 2, 1)[0], image_of(model_, half, 2)), 1);
}

TEST_F(TransitionTest, WithoutFramesBeforeThereIsNothingToComeFrom) {
  Parameters parameters = plain(kFirst);
  parameters.prompt_transition = 10;
  Stream stream(model_, make_options(), parameters);
  parameters.prompt = kSecond;
  stream.set_parameters(parameters);
  EXPECT_EQ(difference(step_frames(stream, 0, 1)[0], image_of(model_, plain(kSecond), 0)), 0);
}

TEST_F(TransitionTest, SingleFramesAndTextToImageChangeAtOnce) {
  Parameters after = plain(kSecond);
  after.prompt_transition = 10;
  Stream stream(model_, make_options(), plain(kFirst));
  step_frames(stream, 0, 1);
  stream.set_parameters(after);
  EXPECT_EQ(difference(generate_image(stream, make_frame(5)), image_of(model_, plain(kSecond), 5)), 0);
  std::vector<Frame> out;
  generate(stream, out);
  Stream fresh(model_, make_options(), plain(kSecond));
  EXPECT_EQ(difference(out.at(0), generate_image(fresh)), 0);
}

TEST_F(TransitionTest, TheFilterSkipsNothingOnTheWay) {
  Parameters parameters = plain(kFirst);
  parameters.similarity_filter = {.enabled = true, .threshold = 0, .max_skip_frame = 1000};
  Stream stream(model_, make_options(), parameters);
  std::vector<Frame> out;
  const auto step = [&](std::int64_t number) {
    Frame frame = make_frame(0);
    frame.time = std::chrono::microseconds(number * 40'000);
    return FrameStream(stream).step(std::span(&frame, 1), out);
  };
  step(0);
  EXPECT_TRUE(step(1).skipped);
  parameters.prompt = kSecond;
  parameters.prompt_transition = 0.4F;
  stream.set_parameters(parameters);
  for (std::int64_t number = 2; number < 12; ++number) {
    EXPECT_FALSE(step(number).skipped) << number;
  }
  EXPECT_EQ(difference(out[0], image_of(model_, plain(kSecond), 0)), 0);
}

TEST_F(TransitionTest, WorksWithoutTheDenoisingBatch) {
  Parameters after = plain(kSecond);
  after.prompt_transition = 0.08F;
  Stream stream(model_, make_options(1, false), plain(kFirst));
  step_frames(stream, 0, 1);
  stream.set_parameters(after);
  EXPECT_LE(difference(step_frames(stream, 1, 1)[0], image_of(model_, with_prompts(0.5F, 0.5F), 1)), 1);
}

TEST_F(TransitionTest, SeedsAreBlended) {
  Parameters second = make_parameters({20});
  second.seed = 9;
  const Frame first = image_of(model_, make_parameters({20}), 0);
  EXPECT_EQ(difference(image_of(model_, with_seeds(1, 0), 0), first), 0);
  EXPECT_EQ(difference(image_of(model_, with_seeds(0, 0.5F), 0), image_of(model_, second, 0)), 0);
  EXPECT_GT(difference(image_of(model_, with_seeds(1, 1), 0), first), 0);
}

TEST_F(TransitionTest, ANewSeedTakesOverByTheFramesTimes) {
  Parameters after = make_parameters({20});
  after.seed = 9;
  const Parameters target = after;
  after.seed_transition = 0.08F;
  Stream stream(model_, make_options(), make_parameters({20}));
  step_frames(stream, 0, 1);
  stream.set_parameters(after);
  EXPECT_LE(difference(step_frames(stream, 1, 1)[0], image_of(model_, with_seeds(1, 1), 1)), 1);
  EXPECT_EQ(difference(step_frames(stream, 2, 1)[0], image_of(model_, target, 2)), 0);
}

}  // namespace
}  // namespace streamdiffusion
