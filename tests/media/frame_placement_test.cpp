#include "media/frame_placement.h"

#include <cmath>

#include "support.h"

namespace streamdiffusion::tests {
namespace {

using std::chrono::microseconds;

constexpr AVRational kNtsc{30'000, 1001};

double seconds(const FramePlacement& placement, std::int64_t ticks) {
  return static_cast<double>(ticks) * av_q2d(placement.time_base());
}

TEST(FramePlacement, KeepsFramesExactlyEvenWhoseTimesAreRounded) {
  FramePlacement placement({.frame_rate = kNtsc, .by_time = true});
  for (int i = 0; i < 5000; ++i) {
    const auto milliseconds = std::llround(i * 1001.0 / 30);
    EXPECT_EQ(placement.place_frame(microseconds(milliseconds * 1000)), i * placement.frame_interval());
  }
  EXPECT_EQ(placement.end(), 5000 * placement.frame_interval());
  EXPECT_EQ(av_cmp_q(av_mul_q(placement.time_base(), {static_cast<int>(placement.frame_interval()), 1}),
                     av_inv_q(kNtsc)),
            0);
}

TEST(FramePlacement, ShowsFramesBehindALateGapAtTheirTimes) {
  FramePlacement placement({.frame_rate = {30, 1}, .by_time = true});
  std::int64_t last = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::int64_t time = i * 1'000'000LL / 30 + (i < 3500 ? 0 : 2'034'567);
    const auto pts = placement.place_frame(microseconds(time));
    ASSERT_TRUE(pts);
    EXPECT_NEAR(seconds(placement, *pts), static_cast<double>(time) / 1e6, 0.00102) << i;
    if (i != 3500 && i > 0) {
      EXPECT_EQ(*pts - last, placement.frame_interval()) << i;
    }
    last = *pts;
  }
}

TEST(FramePlacement, LeavesTheTimeOfLostFramesOpen) {
  FramePlacement placement({.frame_rate = kNtsc, .by_time = true});
  for (int i = 0; i < 1000; i += i % 7 == 0 ? 3 : 1) {
    EXPECT_EQ(placement.place_frame(microseconds(std::llround(i * 1e6 * 1001 / 30'000))),
              i * placement.frame_interval());
  }
}

TEST(FramePlacement, FollowsTimesThatDriftFromTheFrameRate) {
  FramePlacement placement({.frame_rate = {30, 1}, .by_time = true});
  for (int i = 0; i < 5000; ++i) {
    const double time = i / 29.9;
    const auto pts = placement.place_frame(microseconds(std::llround(time * 1e6)));
    ASSERT_TRUE(pts);
    EXPECT_NEAR(seconds(placement, *pts), time, 0.00102);
  }
}

TEST(FramePlacement, LetsTheLastFrameLastAsLongAsTheOneBefore) {
  FramePlacement placement({.frame_rate = {30, 1}, .by_time = true});
  placement.place_frame(microseconds(0));
  EXPECT_NEAR(seconds(placement, placement.end()), 1.0 / 30, 1e-3);
  placement.place_frame(microseconds(450'000));
  EXPECT_NEAR(seconds(placement, placement.end()), 0.9, 1e-3);
}

TEST(FramePlacement, ShowsFramesThatComeAtOneTimeOneAfterTheOther) {
  FramePlacement placement({.frame_rate = {25, 1}, .by_time = true});
  std::int64_t last = -1;
  for (const int milliseconds : {0, 40, 40, 80, 120, 120, 119, 160, 200}) {
    const auto pts = placement.place_frame(microseconds(milliseconds * 1000));
    ASSERT_TRUE(pts) << milliseconds;
    EXPECT_GT(*pts, last);
    EXPECT_NEAR(seconds(placement, *pts), milliseconds / 1e3 + 0.02, 0.0211);
    last = *pts;
  }
  EXPECT_EQ(last, 5 * placement.frame_interval());
  EXPECT_EQ(placement.simultaneous_frames(), 0);
}

TEST(FramePlacement, CountsFramesOfOneTimeForWhichThereIsNoPlace) {
  FramePlacement placement({.frame_rate = {25, 1}, .by_time = true});
  int shown = 0;
  for (int i = 0; i < 20; ++i) shown += placement.place_frame(microseconds(0)) ? 1 : 0;
  EXPECT_EQ(shown, 3);
  EXPECT_EQ(placement.simultaneous_frames(), 17);
}

TEST(FramePlacement, CountsFramesOfOneTimeThatAFixedRateLeavesOut) {
  FramePlacement placement({.frame_rate = {25, 1}, .by_time = true, .fixed_rate = true});
  for (const int milliseconds : {0, 40, 40, 40, 80}) placement.place_frame(microseconds(milliseconds * 1000));
  EXPECT_EQ(placement.simultaneous_frames(), 1);
  FramePlacement slower({.frame_rate = {25, 1}, .by_time = true, .fixed_rate = true});
  for (int i = 0; i < 50; ++i) slower.place_frame(microseconds(20'000 * i));
  EXPECT_EQ(slower.simultaneous_frames(), 0) << "it is the rate that leaves them out";
}

TEST(FramePlacement, ShowsALastFrameOfTheTimeOfTheOneBefore) {
  FramePlacement placement({.frame_rate = {25, 1}, .by_time = true});
  std::optional<std::int64_t> last;
  for (const int milliseconds : {0, 40, 40}) last = placement.place_frame(microseconds(milliseconds * 1000));
  EXPECT_NEAR(seconds(placement, placement.end()), 0.08, 1e-3);
  EXPECT_NEAR(seconds(placement, *last), 0.06, 1e-3);
}

TEST(FramePlacement, LeavesFramesOutThatAreNearerThanTheSmallestGap) {
  FramePlacement placement({.frame_rate = {120, 1}, .by_time = true});
  placement.set_gaps(1, av_rescale_q(20, {1, 1000}, placement.time_base()));
  int shown = 0;
  for (int i = 0; i < 120; ++i) shown += placement.place_frame(microseconds(i * 1'000'000LL / 120)) ? 1 : 0;
  EXPECT_EQ(shown, 40);  // One frame every 25 ms.
  EXPECT_NEAR(seconds(placement, placement.end()), 1, 1e-3);
}

TEST(FramePlacement, PutsFramesOnMultiplesOfAFixedRate) {
  FramePlacement placement({.frame_rate = {30, 1}, .by_time = true, .fixed_rate = true});
  EXPECT_EQ(placement.place_frame(microseconds(0)), 0);
  EXPECT_EQ(placement.place_frame(microseconds(36'000)), 1);
  EXPECT_EQ(placement.place_frame(microseconds(61'000)), 2);
  EXPECT_EQ(placement.place_frame(microseconds(1'000'000)), 30);  // 27 multiples before it stay free.
  EXPECT_EQ(placement.place_frame(microseconds(1'005'000)), 31);
  EXPECT_EQ(placement.place_frame(microseconds(1'007'000)), std::nullopt);  // Two frames early.
  EXPECT_EQ(placement.place_frame(microseconds(1'066'667)), 32);
  EXPECT_EQ(av_cmp_q(placement.time_base(), {1, 30}), 0);
}

TEST(FramePlacement, CountsFramesWhoseTimesDoNotMatter) {
  FramePlacement placement({.frame_rate = {25, 1}});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(placement.place_frame(microseconds(0)), i);
  EXPECT_EQ(placement.end(), 10);
}

}  // namespace
}  // namespace streamdiffusion::tests
