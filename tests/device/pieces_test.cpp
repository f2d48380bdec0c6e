#include "device/pieces.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <random>

namespace streamdiffusion {
namespace {

TEST(Pieces, TakeTheFirstPlaceThatIsLargeEnough) {
  Pieces pieces(100);
  EXPECT_EQ(pieces.take(40), 0U);
  EXPECT_EQ(pieces.take(30), 40U);
  EXPECT_EQ(pieces.take(31), std::nullopt);
  EXPECT_EQ(pieces.take(30), 70U);
  pieces.give_back(40);
  EXPECT_EQ(pieces.take(10), 40U);
  EXPECT_EQ(pieces.take(20), 50U);
}

TEST(Pieces, JoinFreedNeighbours) {
  Pieces pieces(90);
  for (const std::size_t offset : {0U, 30U, 60U}) {
    EXPECT_EQ(pieces.take(30), offset);
  }
  pieces.give_back(0);
  pieces.give_back(60);
  EXPECT_EQ(pieces.take(60), std::nullopt);
  EXPECT_FALSE(pieces.is_unused());
  pieces.give_back(30);
  EXPECT_TRUE(pieces.is_unused());
  EXPECT_EQ(pieces.take(90), 0U);
}

TEST(Pieces, NeverOverlap) {
  Pieces pieces(1000);
  std::map<std::size_t, std::size_t> used;  // bytes of each piece by its offset
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    if (!used.empty() && random() % 2 == 0) {
      const auto piece = std::next(used.begin(), static_cast<std::ptrdiff_t>(random() % used.size()));
      pieces.give_back(piece->first);
      used.erase(piece);
      continue;
    }
    const std::size_t bytes = 1 + random() % 120;
    if (const std::optional<std::size_t> offset = pieces.take(bytes)) {
      const auto next = used.lower_bound(*offset);
      ASSERT_TRUE(next == used.end() || *offset + bytes <= next->first);
      ASSERT_TRUE(next == used.begin() || std::prev(next)->first + std::prev(next)->second <= *offset);
      ASSERT_LE(*offset + bytes, 1000U);
      used.emplace(*offset, bytes);
    }
  }
  while (!used.empty()) {
    pieces.give_back(used.begin()->first);
    used.erase(used.begin());
  }
  EXPECT_TRUE(pieces.is_unused());
}

}  // namespace
}  // namespace streamdiffusion
