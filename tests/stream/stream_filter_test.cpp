// Tests the similarity filter inside a stream.

#include <gtest/gtest.h>

#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

Parameters filtered(std::vector<int> t_index_list, int max_skip_frame, bool let_batch_finish = true) {
  Parameters parameters = make_parameters(std::move(t_index_list));
  parameters.similarity_filter = {.enabled = true,
                                  .threshold = 0.9F,
                                  .max_skip_frame = max_skip_frame,
                                  .let_batch_finish = let_batch_finish};
  return parameters;
}

/// Steps the same image `count` times with rising numbers. Returns "1" for each processed frame and "0" for
/// each skipped one.
std::string step_still(Stream& stream, int count, std::vector<Frame>& out) {
  std::string kept;
  Frame frame = make_frame(5);
  for (int i = 0; i < count; ++i) {
    frame.number = i;
    kept += !step(stream, {frame}, out).skipped ? '1' : '0';
  }
  return kept;
}

TEST(StreamFilter, SkipsStillFramesAndShowsTheLastResultAgain) {
  Stream stream(load_tiny_model(), make_options(), filtered({30}, 100));
  std::vector<Frame> out;
  EXPECT_EQ(step_still(stream, 1, out), "1");
  const Frame result = out.at(0);
  EXPECT_EQ(step_still(stream, 4, out), "0000");
  EXPECT_EQ(out.at(0).number, result.number);
  EXPECT_EQ(difference(out.at(0), result), 0);
  EXPECT_EQ(stream.statistics().skipped, 4);
  EXPECT_FALSE(step(stream, {make_frame(6)}, out).skipped);
}

TEST(StreamFilter, LetsWhatMovedLastArriveBeforeItSkips) {
  Stream stream(load_tiny_model(), make_options(), filtered({22, 32, 45}, 100));
  std::vector<Frame> out;
  EXPECT_EQ(step_still(stream, 5, out), "11100");
  EXPECT_FALSE(step(stream, {make_frame(6)}, out).skipped);
  EXPECT_EQ(step_still(stream, 5, out).substr(0, 2), "11");
}

TEST(StreamFilter, CanSkipWhileFramesAreInFlightButNotBeforeThereIsAResult) {
  Stream stream(load_tiny_model(), make_options(), filtered({22, 32, 45}, 100, false));
  std::vector<Frame> out;
  EXPECT_EQ(step_still(stream, 5, out), "11100");
  EXPECT_FALSE(step(stream, {make_frame(6)}, out).skipped);
  Frame still = make_frame(6);
  EXPECT_TRUE(step(stream, {still}, out).skipped);
}

TEST(StreamFilter, GivesAsManyFramesAsWentIn) {
  for (const bool let_batch_finish : {true, false}) {
    Stream stream(load_tiny_model(), make_options(), filtered({22, 32, 45}, 2, let_batch_finish));
    std::vector<Frame> out;
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i) {
      step(stream, {make_frame(i / 6)}, out);
      count += out.size();
    }
    count += tests::drain_all(stream).size();
    EXPECT_EQ(count, 20U);
  }
}

TEST(StreamFilter, AChangedParameterIsShownWithoutWaitingForMotion) {
  Parameters parameters = filtered({22, 32, 45}, 100);
  Stream stream(load_tiny_model(), make_options(), parameters);
  std::vector<Frame> out;
  step_still(stream, 5, out);
  parameters.prompt = "night";
  stream.set_parameters(parameters);
  EXPECT_EQ(step_still(stream, 5, out), "11100");
  Stream fresh(load_tiny_model(), make_options(), parameters);
  EXPECT_LE(difference(out.at(0), generate_image(fresh, make_frame(5))), 1);
}

TEST(StreamFilter, CanBeSwitchedOffAndOnAgain) {
  Parameters parameters = filtered({30}, 100);
  Stream stream(load_tiny_model(), make_options(), parameters);
  std::vector<Frame> out;
  EXPECT_EQ(step_still(stream, 2, out), "10");
  parameters.similarity_filter.enabled = false;
  stream.set_parameters(parameters);
  EXPECT_EQ(step_still(stream, 3, out), "111");
  parameters.similarity_filter.enabled = true;
  stream.set_parameters(parameters);
  EXPECT_EQ(step_still(stream, 3, out), "100");
}

TEST(StreamFilter, OneMovingFrameOfABufferPassesTheWholeBuffer) {
  Stream stream(load_tiny_model(), make_options(2), filtered({30}, 100));
  std::vector<Frame> out;
  EXPECT_FALSE(step(stream, {make_frame(5), make_frame(5)}, out).skipped);
  EXPECT_TRUE(step(stream, {make_frame(5), make_frame(5)}, out).skipped);
  EXPECT_FALSE(step(stream, {make_frame(5), make_frame(6)}, out).skipped);
}

}  // namespace
}  // namespace streamdiffusion
