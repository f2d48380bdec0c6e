#include "media/packet_damage.h"

#include "open_stream.h"

namespace streamdiffusion::tests {
namespace {

constexpr int kMarked = AV_PKT_FLAG_CORRUPT;

/// Returns true if the last of the packets shows damage; none before it may.
bool shows_damage(const OpenStream& open, const std::vector<ffmpeg::Packet>& packets, std::string& why) {
  PacketDamage damage(open.input(), open.stream());
  bool found = false;
  for (const ffmpeg::Packet& packet : packets) {
    EXPECT_FALSE(found);
    found = damage.find(*packet, OpenStream::kRate, why);
  }
  return found;
}

std::vector<ffmpeg::Packet> packets_at(const OpenStream& open, const std::vector<std::int64_t>& times) {
  std::vector<ffmpeg::Packet> packets;
  for (const std::int64_t time : times) packets.push_back(open.packet_at(time, time == 40 ? kMarked : 0));
  return packets;
}

TEST(PacketDamage, IsEachMarkedPacketOfMostContainers) {
  const OpenStream open("matroska", AV_CODEC_ID_H264);
  std::string why;
  EXPECT_TRUE(shows_damage(open, packets_at(open, {0, 40}), why));
  EXPECT_EQ(why, "");
  EXPECT_FALSE(shows_damage(open, packets_at(open, {0, 80, 400}), why));
}

TEST(PacketDamage, OfATransportStreamIsAGapSoonAfterAMark) {
  const OpenStream open("mpegts", AV_CODEC_ID_H264);
  std::string why;
  EXPECT_FALSE(shows_damage(open, packets_at(open, {0, 40, 80, 120}), why));
  EXPECT_TRUE(shows_damage(open, packets_at(open, {0, 40, 80, 200}), why));
  EXPECT_EQ(why, "frames are missing");
  EXPECT_FALSE(shows_damage(open, packets_at(open, {0, 40, 80, 120, 240}), why)) << "far from the mark";
  EXPECT_FALSE(shows_damage(open, packets_at(open, {0, 120, 240}), why)) << "without a mark";
}

}  // namespace
}  // namespace streamdiffusion::tests
