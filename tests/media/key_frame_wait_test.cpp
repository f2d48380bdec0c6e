#include "media/key_frame_wait.h"

#include "open_stream.h"

namespace streamdiffusion::tests {
namespace {

TEST(KeyFrameWait, LeavesOutAndReportsWhatComesBeforeTheFirstKeyFrame) {
  const OpenStream open("mpegts", AV_CODEC_ID_H264);
  const Problems problems;
  KeyFrameWait wait(open.stream(), true);
  EXPECT_FALSE(wait.has_begun(*open.packet_at(0), problems.report()));
  EXPECT_FALSE(wait.has_begun(*open.packet_at(200), problems.report()));
  EXPECT_TRUE(wait.has_begun(*open.packet_at(400, AV_PKT_FLAG_KEY), problems.report()));
  EXPECT_TRUE(wait.has_begun(*open.packet_at(440), problems.report()));
  ASSERT_EQ(problems.told().size(), 1U);
  EXPECT_NE(problems.told()[0].find("the first 0.40 s of clip"), std::string::npos) << problems.told()[0];
}

TEST(KeyFrameWait, ReportsNothingIfTheFirstFrameIsAKeyFrame) {
  const OpenStream open("mpegts", AV_CODEC_ID_H264);
  const Problems problems;
  KeyFrameWait wait(open.stream(), true);
  EXPECT_TRUE(wait.has_begun(*open.packet_at(400, AV_PKT_FLAG_KEY), problems.report()));
  EXPECT_TRUE(problems.told().empty());
}

TEST(KeyFrameWait, IsOverAtOnceWhereEachFrameIsOneOrNoneIsMarked) {
  const Problems problems;
  const OpenStream intra("avi", AV_CODEC_ID_MJPEG);
  EXPECT_TRUE(KeyFrameWait(intra.stream(), true).has_begun(*intra.packet_at(0), problems.report()));
  const OpenStream unmarked("mpegts", AV_CODEC_ID_H264);
  EXPECT_TRUE(KeyFrameWait(unmarked.stream(), false).has_begun(*unmarked.packet_at(0), problems.report()));
  EXPECT_TRUE(problems.told().empty());
}

}  // namespace
}  // namespace streamdiffusion::tests
