#include "pipeline/frame_order.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;

/// A frame order and the frames that it has shown, as (number, value of the only pixel).
struct Shown {
  std::vector<std::pair<int, int>> frames;
  FrameOrder order{[this](Frame& frame) {
    EXPECT_EQ(frame.time, std::chrono::microseconds(frame.number * 40));
    frames.emplace_back(static_cast<int>(frame.number), frame.pixels.at(0));
    frame = {};  // The callback may take the frame's memory.
  }};

  void expect(int number) { order.expect(number, number * 40us); }
  void skip(int number) { order.skip(number, number * 40us); }
  void result(int number) {
    Frame frame;
    frame.resize(1, 1);
    frame.number = number;
    frame.time = number * 40us;
    frame.pixels[0] = static_cast<std::uint8_t>(100 + number);
    order.take_result(frame);
  }
};

using Frames = std::vector<std::pair<int, int>>;

TEST(FrameOrder, ShowsResultsAsTheyCome) {
  Shown shown;
  shown.expect(0);
  shown.result(0);
  shown.expect(1);
  shown.expect(2);
  shown.result(1);
  shown.result(2);
  EXPECT_EQ(shown.frames, (Frames{{0, 100}, {1, 101}, {2, 102}}));
}

TEST(FrameOrder, ShowsTheResultBeforeForSkippedInputs) {
  Shown shown;
  shown.expect(0);
  shown.result(0);
  shown.skip(1);
  shown.skip(2);
  EXPECT_EQ(shown.frames, (Frames{{0, 100}, {1, 100}, {2, 100}}));
}

TEST(FrameOrder, SkippedInputsWaitForResultsStillInFlight) {
  Shown shown;
  shown.expect(0);
  shown.expect(1);
  shown.result(0);
  shown.skip(2);
  EXPECT_EQ(shown.frames, (Frames{{0, 100}}));
  shown.expect(3);
  shown.result(1);
  EXPECT_EQ(shown.frames, (Frames{{0, 100}, {1, 101}, {2, 101}}));
  shown.result(3);
  EXPECT_EQ(shown.frames.back(), (std::pair{3, 103}));
}

TEST(FrameOrder, InputsWhoseResultsNeverComeShowTheOneBefore) {
  Shown shown;
  for (int i = 0; i < 40; ++i) {
    shown.expect(i);
  }
  shown.result(1);
  shown.result(38);
  shown.order.finish();
  ASSERT_EQ(shown.frames.size(), 40U);
  EXPECT_EQ(shown.frames[0], (std::pair{0, 101}));
  EXPECT_EQ(shown.frames[37], (std::pair{37, 101}));
  EXPECT_EQ(shown.frames[38], (std::pair{38, 138}));
  EXPECT_EQ(shown.frames[39], (std::pair{39, 138}));
}

TEST(FrameOrder, ResultsThatNoInputWaitsForAreNotShown) {
  Shown shown;
  shown.result(0);
  shown.expect(5);
  shown.result(3);
  shown.result(5);
  shown.result(5);
  EXPECT_EQ(shown.frames, (Frames{{5, 105}}));
}

TEST(FrameOrder, WithoutAnyResultNothingIsShown) {
  Shown shown;
  shown.expect(0);
  shown.skip(1);
  shown.order.finish();
  EXPECT_TRUE(shown.frames.empty());
}

}  // namespace
}  // namespace streamdiffusion
