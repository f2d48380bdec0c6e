#include "core/round_up.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace streamdiffusion {
namespace {

TEST(DivideUp, CountsAPartThatIsNotFullAsOne) {
  EXPECT_EQ(divide_up(1, 4), 1);
  EXPECT_EQ(divide_up(4, 4), 1);
  EXPECT_EQ(divide_up(5, 4), 2);
}

TEST(RoundUp, GivesTheNextMultipleAndLeavesMultiplesAsTheyAre) {
  EXPECT_EQ(round_up(1, 64), 64);
  EXPECT_EQ(round_up(64, 64), 64);
  EXPECT_EQ(round_up(65, 64), 128);
}

TEST(RoundUp, KeepsTheTypeOfWhatIsRounded) {
  constexpr std::int64_t kLarge = (std::int64_t{1} << 40) + 1;
  static_assert(std::is_same_v<decltype(round_up(kLarge, 2)), std::int64_t>);
  EXPECT_EQ(round_up(kLarge, 2), kLarge + 1);
}

}  // namespace
}  // namespace streamdiffusion
