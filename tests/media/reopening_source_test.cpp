#include "media/reopening_source.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "manual_clock.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;

/// Returns some frames and is then lost, or ends.
class ShortSource : public Source {
 public:
  ShortSource(int frames, bool ends) : frames_(frames), ends_(ends) {}
  [[nodiscard]] const SourceInfo& info() const override { return info_; }
  bool read(Frame& frame) override {
    if (next_ == frames_) {
      if (ends_) return false;
      throw Error("the cable is out");
    }
    frame.resize(4, 4);
    frame.number = next_++;
    frame.time = 1ms * frame.number;
    return true;
  }

 private:
  int frames_;
  bool ends_;
  int next_ = 0;
  SourceInfo info_{.width = 4, .height = 4, .frame_rate = 1000};
};

class ReopeningSourceTest : public testing::Test {
 protected:
  ReopeningSource::Options options() {
    return {.open = [this]() -> std::unique_ptr<Source> {
              if (++opened_ > 1 && fails_-- > 0) throw Error("no camera");
              return std::make_unique<ShortSource>(2, ends_);
            },
            .name = "camera",
            .stop = &stop_,
            .on_warning = [this](const std::string& text) { said_.push_back(text); },
            .first_wait = 20ms,
            .longest_wait = 50ms,
            .clock = clock_};
  }

  ManualClock clock_;
  int opened_ = 0;
  int fails_ = 0;
  bool ends_ = false;
  std::atomic<bool> stop_{false};
  std::vector<std::string> said_;
};

TEST_F(ReopeningSourceTest, NumbersAndTimesGoOn) {
  ReopeningSource source(options());
  EXPECT_EQ(source.info().width, 4);
  Frame frame;
  std::chrono::microseconds last{-1};
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(source.read(frame));
    EXPECT_EQ(frame.number, i);
    EXPECT_GT(frame.time, last);
    last = frame.time;
  }
  EXPECT_EQ(opened_, 3);
  EXPECT_EQ(last, 40ms + 1ms) << "two waits, and the second frame of the third source";
}

TEST_F(ReopeningSourceTest, TheWaitGrowsUpToALimitAndIsSaid) {
  fails_ = 4;
  ReopeningSource source(options());
  Frame frame;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(source.read(frame));
  EXPECT_EQ(frame.time, 20ms + 40ms + 50ms + 50ms + 50ms);
  ASSERT_EQ(said_.size(), 6U);
  EXPECT_NE(said_[0].find("the cable is out"), std::string::npos);
  EXPECT_NE(said_[1].find("no camera"), std::string::npos);
  EXPECT_NE(said_[5].find("camera is back after"), std::string::npos);
}

TEST_F(ReopeningSourceTest, TheFirstOpeningMustSucceed) {
  auto failing = options();
  failing.open = []() -> std::unique_ptr<Source> { throw Error("no camera"); };
  EXPECT_THROW(ReopeningSource{failing}, Error);
}

TEST_F(ReopeningSourceTest, AnEndIsAnEnd) {
  ends_ = true;
  ReopeningSource source(options());
  Frame frame;
  EXPECT_TRUE(source.read(frame));
  EXPECT_TRUE(source.read(frame));
  EXPECT_FALSE(source.read(frame));
  EXPECT_EQ(opened_, 1);
}

TEST_F(ReopeningSourceTest, AStopEndsTheWait) {
  auto slow = options();
  slow.first_wait = slow.longest_wait = 1h;
  slow.on_warning = [this](const std::string&) { stop_ = true; };
  ReopeningSource source(slow);
  Frame frame;
  EXPECT_TRUE(source.read(frame));
  EXPECT_TRUE(source.read(frame));
  EXPECT_FALSE(source.read(frame));
}

}  // namespace
}  // namespace streamdiffusion
