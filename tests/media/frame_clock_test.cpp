#include "media/frame_clock.h"

#include "open_stream.h"

namespace streamdiffusion::tests {
namespace {

/// A decoded frame at a time in milliseconds.
ffmpeg::FramePointer frame_at(std::int64_t milliseconds) {
  ffmpeg::FramePointer frame = ffmpeg::make_frame();
  frame->best_effort_timestamp = milliseconds;
  return frame;
}

TEST(FrameClock, CountsFromTheStreamsStart) {
  const OpenStream open("matroska", AV_CODEC_ID_H264);
  open.stream().start_time = 500;
  FrameClock clock(open.stream(), false);
  clock.advance(*frame_at(500), OpenStream::kRate);
  EXPECT_EQ(clock.now(), 0);
  clock.advance(*frame_at(620), OpenStream::kRate);
  EXPECT_EQ(clock.now(), 120'000);
  EXPECT_EQ(clock.start(), 500'000);
}

TEST(FrameClock, LetsAFrameWithoutATimeFollowAtTheRate) {
  const OpenStream open("matroska", AV_CODEC_ID_H264);
  FrameClock clock(open.stream(), false);
  clock.advance(*frame_at(AV_NOPTS_VALUE), OpenStream::kRate);
  EXPECT_EQ(clock.now(), 0);
  clock.advance(*frame_at(AV_NOPTS_VALUE), OpenStream::kRate);
  EXPECT_EQ(clock.now(), 40'000);
}

TEST(FrameClock, ReportsTimesThatGoBackOnce) {
  const OpenStream open("matroska", AV_CODEC_ID_H264);
  const Problems problems;
  FrameClock clock(open.stream(), false);
  for (const std::int64_t time : {0, 2000, 1900, 0, 2000, 0}) {
    clock.advance(*frame_at(time), OpenStream::kRate);
    clock.check_order(problems.report());
  }
  ASSERT_EQ(problems.told().size(), 1U);
  EXPECT_NE(problems.told()[0].find("back to 0.00 s after 2.00 s"), std::string::npos) << problems.told()[0];
}

TEST(FrameClock, TakesTheLastDurationFromTheTracksEndIfThatIsStated) {
  const OpenStream open("mov", AV_CODEC_ID_H264);
  open.stream().start_time = 0;
  open.stream().duration = 1000;
  FrameClock clock(open.stream(), false);
  clock.advance(*frame_at(900), OpenStream::kRate);
  EXPECT_EQ(clock.last_duration(OpenStream::kRate, true).count(), 100'000);
  EXPECT_EQ(clock.last_duration(OpenStream::kRate, false).count(), 0);
}

}  // namespace
}  // namespace streamdiffusion::tests
