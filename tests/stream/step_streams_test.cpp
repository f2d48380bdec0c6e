#include <gtest/gtest.h>

#include "streamdiffusion/error.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

constexpr int kRounding = 1;

class StepStreamsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = load_tiny_model(); }
  static void TearDownTestSuite() { model_.reset(); }

  static std::shared_ptr<Model> model_;
};
std::shared_ptr<Model> StepStreamsTest::model_;

std::vector<Frame> frames_from(std::int64_t first, int count, int size = tests::kSize) {
  std::vector<Frame> frames;
  for (int i = 0; i < count; ++i) {
    frames.push_back(make_frame(first + i, size, size));
  }
  return frames;
}

struct Case {
  Parameters parameters;
  StreamOptions options;
};

std::vector<Case> different_streams() {
  std::vector<Case> cases;
  cases.push_back({make_parameters(), make_options()});
  cases.push_back({make_parameters({10, 40}), make_options(2)});
  cases.back().parameters.prompt = "another prompt";
  cases.back().parameters.seed = 7;
  cases.push_back({make_parameters(), make_options()});
  cases.back().parameters.cfg_type = CfgType::full;
  cases.back().parameters.guidance_scale = 1.7F;
  cases.push_back({make_parameters(), make_options()});
  cases.back().parameters.cross_frame_attention = true;
  cases.back().parameters.cfg_type = CfgType::initialize;
  cases.back().parameters.guidance_scale = 1.4F;
  cases.push_back({make_parameters(), make_options(1, false)});
  StreamOptions larger = make_options();
  larger.width = larger.height = 48;
  cases.push_back({make_parameters({30}), larger});
  return cases;
}

TEST_F(StepStreamsTest, EachStreamGivesWhatItGivesAlone) {
  std::vector<Stream> alone;
  std::vector<Stream> together;
  for (const Case& one : different_streams()) {
    alone.emplace_back(model_, one.options, one.parameters);
    together.emplace_back(model_, one.options, one.parameters);
  }
  for (int round = 0; round < 5; ++round) {
    std::vector<std::vector<Frame>> in;
    std::vector<std::vector<Frame>> out;
    std::vector<Stream*> streams;
    for (Stream& stream : together) {
      streams.push_back(&stream);
      const auto number = static_cast<std::int64_t>(in.size()) * 100 + round * 2;
      in.push_back(frames_from(number, stream.options().frame_buffer_size, stream.options().width));
    }
    step_together(streams, in, out);
    for (std::size_t i = 0; i < together.size(); ++i) {
      std::vector<Frame> expected;
      step(alone[i], in[i], expected);
      ASSERT_EQ(numbers(out[i]), numbers(expected)) << "stream " << i << ", round " << round;
      for (std::size_t frame = 0; frame < expected.size(); ++frame) {
        EXPECT_LE(difference(out[i][frame], expected[frame]), kRounding)
            << "stream " << i << ", round " << round;
      }
    }
  }
}

TEST_F(StepStreamsTest, StreamsOfTwoModelsStepSideBySide) {
  const std::shared_ptr<Model> other = load_tiny_model();
  Stream a(model_, make_options(), make_parameters({30}));
  Stream b(other, make_options(), make_parameters({30}));
  std::vector<std::vector<Frame>> out;
  step_together({&a, &b}, {frames_from(0, 1), frames_from(0, 1)}, out);
  EXPECT_LE(difference(out[0].at(0), out[1].at(0)), kRounding);
}

TEST_F(StepStreamsTest, AFrameThatDoesNotFitLeavesAllStreamsAsTheyWere) {
  Stream a(model_, make_options(), make_parameters());
  Stream b(model_, make_options(), make_parameters());
  std::vector<std::vector<Frame>> out;
  EXPECT_THROW(step_together({&a, &b}, {frames_from(0, 1), frames_from(0, 1, 40)}, out), Error);
  EXPECT_EQ(a.statistics().steps, 0);
  EXPECT_FALSE(a.in_flight());
}

TEST_F(StepStreamsTest, ASkippedStreamGivesItsLastResultWhileOthersGoOn) {
  Parameters filtered = make_parameters({30});
  filtered.similarity_filter = {.enabled = true, .threshold = 0.0F, .max_skip_frame = 1000};
  Stream still(model_, make_options(), filtered);
  Stream moving(model_, make_options(), make_parameters({30}));
  const std::vector<Frame> same = frames_from(3, 1);
  std::vector<std::vector<Frame>> out;
  int skipped = 0;
  for (int round = 0; round < 5; ++round) {
    const std::vector<StepResult> results =
        step_together({&still, &moving}, {same, frames_from(round, 1)}, out);
    EXPECT_EQ(out[0].size(), 1U);
    EXPECT_EQ(numbers(out[1]), (std::vector<std::int64_t>{round}));
    skipped += results[0].skipped ? 1 : 0;
    EXPECT_FALSE(results[1].skipped);
  }
  EXPECT_GE(skipped, 3);
  EXPECT_EQ(moving.statistics().steps, 5);
}

TEST_F(StepStreamsTest, AStreamThatIsListedTwiceIsRefused) {
  Stream stream(model_, make_options(), make_parameters({30}));
  std::vector<std::vector<Frame>> out;
  EXPECT_THROW(step_together({&stream, &stream}, {frames_from(0, 1), frames_from(1, 1)}, out), ArgumentError);
  EXPECT_EQ(stream.statistics().steps, 0);
}

TEST_F(StepStreamsTest, AStepWithoutAStreamIsRefused) {
  std::vector<StreamStep> steps(2);
  EXPECT_THROW(step_streams(steps), ArgumentError);
}

TEST_F(StepStreamsTest, TheOutputOfASkippedStreamMayBeTheInputOfAnother) {
  Parameters filtered = make_parameters({30});
  filtered.similarity_filter = {.enabled = true, .threshold = 0.0F, .max_skip_frame = 1000};
  Stream skipped(model_, make_options(), filtered);
  Stream other(model_, make_options(), make_parameters({30}));
  Stream alone(model_, make_options(), make_parameters({30}));
  Frame shared = make_frame(3);
  std::vector<Frame> expected;
  step(alone, {shared}, expected);
  std::vector<Frame> first;
  step(skipped, {shared}, first);
  Frame result = make_frame(0);
  const InputFrame in(shared);
  OutputFrame in_place(shared.view());
  OutputFrame apart(result.view());
  std::vector<StreamStep> steps = {
      {.stream = &skipped, .in = std::span(&in, 1), .out = std::span(&in_place, 1)},
      {.stream = &other, .in = std::span(&in, 1), .out = std::span(&apart, 1)}};
  step_streams(steps);
  EXPECT_TRUE(steps[0].result.skipped);
  EXPECT_EQ(difference(shared, first.at(0)), 0);
  EXPECT_EQ(difference(result, expected.at(0)), 0);
}

TEST_F(StepStreamsTest, FramesAreInFlightUntilTheyAreDrained) {
  Stream stream(model_, make_options(), make_parameters());
  EXPECT_FALSE(stream.in_flight());
  std::vector<Frame> out;
  step(stream, frames_from(0, 1), out);
  EXPECT_TRUE(stream.in_flight());
  drain(stream, out);
  EXPECT_EQ(numbers(out), (std::vector<std::int64_t>{0}));
  EXPECT_FALSE(stream.in_flight());
}

TEST_F(StepStreamsTest, AVariationIsTheImageOfASeedThatMuchHigher) {
  const Parameters parameters = make_parameters({0, 25});
  Stream stream(model_, make_options(), parameters);
  const std::vector<std::uint32_t> variations = {0, 5, 2};
  std::vector<Frame> out;
  generate_images(stream, variations, out);
  ASSERT_EQ(out.size(), variations.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    Parameters moved = parameters;
    moved.seed += variations[i];
    std::vector<Frame> alone;
    Stream of_seed(model_, make_options(), moved);
    generate_images(of_seed, std::vector<std::uint32_t>{0}, alone);
    EXPECT_LE(difference(out[i], alone.at(0)), kRounding);
    EXPECT_EQ(out[i].number, variations[i]);
  }
  std::vector<Frame> again;
  generate_images(stream, std::vector<std::uint32_t>{5}, again);
  EXPECT_LE(difference(again.at(0), out[1]), kRounding);
}

TEST_F(StepStreamsTest, VariationsLeaveOtherImagesAlone) {
  const Parameters parameters = make_parameters({0, 25});
  Stream disturbed(model_, make_options(), parameters);
  std::vector<Frame> out;
  generate_images(disturbed, std::vector<std::uint32_t>{1, 2}, out);
  Stream undisturbed(model_, make_options(), parameters);
  EXPECT_EQ(difference(generate_image(disturbed), generate_image(undisturbed)), 0);
}

}  // namespace
}  // namespace streamdiffusion
